//! From a model version and its files to the plan of its image. The plan depends on nothing else: no clock, no order of
//! listing, so that the same version gives the same digest everywhere.

use std::collections::BTreeMap;

use super::path::{self, PathError};
use super::{ASSET_ID, Base, ImagePlan, Link, ROOT, layers, origin};
use crate::name::{LABEL_MAX, slug};
use crate::port::{ModelFile, ModelVersion};
use crate::spec::{Bridge, Runtime, Service};

/// Where Azure ML's own servers keep models, `NAME/VERSION` below it; user code finds its folder by `AZUREML_MODEL_DIR`.
const MODELS: &str = "/var/azureml-app/azureml-models";
/// From the folder of a model's versions there to the root.
const UP: &str = "../../../..";

/// Why no image can be made of a model version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The version has no files.
    #[error("model `{model}` version `{version}` has no files at `{uri}`; register it again with its files")]
    Empty {
        /// The model.
        model: String,
        /// The version.
        version: String,
        /// Where the files should be.
        uri: String,
    },
    /// The model's name or version cannot be a folder.
    #[error("{what} `{text}` {problem}, so it cannot name a folder in the image")]
    Name {
        /// `model name` or `version`.
        what: &'static str,
        /// The text, control characters escaped.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A package is an image already.
    #[error("the package `{environment}` is an image already: it is copied, not made of files")]
    Package {
        /// The environment, `NAME:VERSION`.
        environment: String,
    },
    /// A file's path cannot go into an image.
    #[error("model `{model}` version `{version}`: {source}")]
    Path {
        /// The model.
        model: String,
        /// The version.
        version: String,
        /// Which path, and why.
        source: PathError,
    },
}

/// The repository path and the tag that a model version's image has, when it is served for a team.
pub fn repository_and_tag(bridge: &Bridge, team: &str, model: &str, version: &str) -> (String, String) {
    let repository =
        bridge.team(team).map_or(bridge.google.repository.as_str(), |team| bridge.repository_of(team));
    // A domain-scoped project `example.com:name` is two components in the registry's paths.
    let project = bridge.google.project.replace(':', "/");
    (format!("{project}/{repository}/{}", slug(model, LABEL_MAX)), slug(version, LABEL_MAX).text)
}

/// The repository path and the tag that the copy of a model version's package has. The tag is not that of an image made of
/// the version's files: one version may be served both ways.
pub fn package_repository_and_tag(
    bridge: &Bridge,
    team: &str,
    model: &str,
    version: &str,
) -> (String, String) {
    let (repository, tag) = repository_and_tag(bridge, team, model, version);
    (repository, format!("{tag}-package"))
}

/// Plans the image of one model version for one service.
pub fn plan_image(
    bridge: &Bridge,
    service: &Service,
    version: &ModelVersion,
    files: &[ModelFile],
) -> Result<ImagePlan, ImageError> {
    check(version, files)?;
    let folder = format!("{MODELS}/{}/{}", version.name, version.version);
    let (repository, tag) = repository_and_tag(bridge, &service.team, &version.name, &version.version);
    let labels = labels(service, version);
    let mut annotations = labels.clone();
    annotations
        .extend(version.tags.iter().map(|(tag, value)| (format!("dev.gangplank.tags/{tag}"), value.clone())));
    Ok(ImagePlan {
        repository,
        tag,
        base: base(&service.runtime)?,
        link: Some(Link { path: folder.clone(), target: format!("{UP}{ROOT}") }),
        layers: layers::group(ROOT, files.to_vec()),
        env: BTreeMap::from([("AZUREML_MODEL_DIR".to_owned(), folder)]),
        labels,
        annotations,
    })
}

fn base(runtime: &Runtime) -> Result<Base, ImageError> {
    match runtime {
        Runtime::Auto | Runtime::Onnx => Ok(Base::Scorer),
        Runtime::Image { image, .. } => Ok(Base::Image(image.clone())),
        Runtime::Package { environment, version } => {
            Err(ImageError::Package { environment: format!("{environment}:{version}") })
        }
    }
}

fn check(version: &ModelVersion, files: &[ModelFile]) -> Result<(), ImageError> {
    for (what, text) in [("model name", &version.name), ("version", &version.version)] {
        path::check_component(text).map_err(|problem| ImageError::Name {
            what,
            text: path::shown(text),
            problem,
        })?;
    }
    if files.is_empty() {
        return Err(ImageError::Empty {
            model: version.name.clone(),
            version: version.version.clone(),
            uri: version.uri.clone(),
        });
    }
    path::check(files).map_err(|source| ImageError::Path {
        model: version.name.clone(),
        version: version.version.clone(),
        source,
    })
}

fn labels(service: &Service, version: &ModelVersion) -> BTreeMap<String, String> {
    let runtime = match &service.runtime {
        // What is not declared is chosen before, and nothing else can be chosen.
        Runtime::Auto | Runtime::Onnx => "onnx",
        Runtime::Image { .. } => "image",
        Runtime::Package { .. } => "package",
    };
    let mut labels: BTreeMap<String, String> = [
        ("org.opencontainers.image.title", version.name.as_str()),
        ("org.opencontainers.image.version", &version.version),
        (ASSET_ID, &version.asset_id),
        ("dev.gangplank.workspace", &version.workspace),
        ("dev.gangplank.model", &version.name),
        ("dev.gangplank.version", &version.version),
        ("dev.gangplank.service-runtime", runtime),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    // The time of registration, not of packing: packing twice must give one digest.
    if let Some(created) = version.created {
        labels.insert("org.opencontainers.image.created".to_owned(), created.to_string());
    }
    labels.extend(origin::annotations(version));
    labels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::fixture;

    fn file(path: &str, size: u64) -> ModelFile {
        ModelFile { path: path.to_owned(), size, etag: "e".to_owned(), url: format!("https://b/{path}") }
    }

    fn plan(files: &[ModelFile]) -> Result<ImagePlan, ImageError> {
        plan_image(&fixture::bridge(), &fixture::service(), &fixture::version(), files)
    }

    #[test]
    fn names_and_places() {
        let plan = plan(&[file("model.onnx", 3)]).unwrap();
        assert_eq!(plan.repository, "harbour/models/wine-cultivar-742c5b");
        assert_eq!(plan.tag, "1");
        assert_eq!(plan.base, Base::Scorer);
        assert_eq!(plan.layers[0].root, "/models");
        let link = plan.link.unwrap();
        assert_eq!(link.path, "/var/azureml-app/azureml-models/Wine_Cultivar/1");
        assert_eq!(link.target, "../../../../models");
        assert_eq!(plan.env["AZUREML_MODEL_DIR"], "/var/azureml-app/azureml-models/Wine_Cultivar/1");
        assert_eq!(plan.annotations[ASSET_ID], fixture::version().asset_id);
        assert_eq!(plan.annotations["dev.gangplank.tags/stage"], "production");
        assert_eq!(plan.annotations["org.opencontainers.image.created"], "2026-01-02T03:04:05Z");
        assert!(!plan.labels.contains_key("dev.gangplank.tags/stage"));
    }

    #[test]
    fn a_runtime_of_the_users_is_the_base() {
        let image = format!("host/base@sha256:{}", "0".repeat(64));
        let service = Service {
            runtime: Runtime::Image { image: image.clone(), port: 9000, signed_by: None },
            ..fixture::service()
        };
        let plan = plan_image(&fixture::bridge(), &service, &fixture::version(), &[file("m", 1)]).unwrap();
        assert_eq!(plan.base, Base::Image(image));
        assert_eq!(plan.labels["dev.gangplank.service-runtime"], "image");
    }

    #[test]
    fn refuses_what_cannot_be_an_image() {
        let rows: [(&str, &str, &[&str], &str); 6] = [
            ("m", "1", &[], "has no files"),
            ("m", "1", &["../x"], "`.` or `..`"),
            ("..", "1", &["x"], "model name `..`"),
            ("a/b", "1", &["x"], "slash in a name"),
            ("m", "1/../2", &["x"], "version `1/../2`"),
            ("m", "", &["x"], "empty component"),
        ];
        for (name, number, paths, expected) in rows {
            let version =
                ModelVersion { name: name.to_owned(), version: number.to_owned(), ..fixture::version() };
            let files: Vec<_> = paths.iter().map(|path| file(path, 1)).collect();
            let error = plan_image(&fixture::bridge(), &fixture::service(), &version, &files).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn domain_scoped_projects_are_two_components() {
        let mut bridge = fixture::bridge();
        bridge.google.project = "example.com:harbour".to_owned();
        assert_eq!(repository_and_tag(&bridge, "wine", "m", "v").0, "example.com/harbour/models/m");
    }

    proptest! {
        #[test]
        fn any_order_gives_one_plan(sizes in prop::collection::vec(0_u64..100 << 20, 1..40), turn in 0_usize..40) {
            let files: Vec<_> = sizes.iter().enumerate().map(|(n, size)| file(&format!("d{}/f{n}", n % 3), *size)).collect();
            let mut turned = files.clone();
            turned.rotate_left(turn % files.len());
            turned.reverse();
            let straight = plan(&files).unwrap();
            prop_assert_eq!(&straight, &plan(&turned).unwrap());
            let mut paths: Vec<_> = straight.layers.iter().flat_map(|it| &it.files).map(|it| it.path.clone()).collect();
            let mut all: Vec<_> = files.iter().map(|it| it.path.clone()).collect();
            paths.sort();
            all.sort();
            prop_assert_eq!(paths, all);
        }
    }
}
