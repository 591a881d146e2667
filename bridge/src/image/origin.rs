//! Where a model comes from, as annotations of its image: the job, the source and its commit, the datasets. Only what the version
//! itself tells: what another service would have to be asked for may be hidden from one caller and seen by the next, and then
//! their images of the same version would differ.

use std::collections::BTreeMap;

use crate::port::ModelVersion;

/// Properties and tags that tell a commit, the first that is there. Azure ML gives them to jobs
/// (<https://learn.microsoft.com/azure/machine-learning/concept-train-model-git-integration>), MLflow to runs, and people to models.
const COMMITS: [&str; 2] = ["mlflow.source.git.commit", "azureml.git.commit"];
/// Those that tell the repository.
const REPOSITORIES: [&str; 2] = ["mlflow.source.git.repoURL", "azureml.git.repository_uri"];

/// The annotations.
pub(super) fn annotations(version: &ModelVersion) -> BTreeMap<String, String> {
    let origin = &version.origin;
    let told = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| origin.properties.get(*name).or(version.tags.get(*name)));
        found.filter(|value| !value.is_empty()).cloned()
    };
    let mut datasets = origin.datasets.clone();
    datasets.sort();
    datasets.dedup();
    let all = [
        ("org.opencontainers.image.revision", told(COMMITS)),
        ("org.opencontainers.image.source", told(REPOSITORIES).map(|url| without_login(&url))),
        ("dev.gangplank.job", origin.job.clone().filter(|job| !job.is_empty())),
        ("dev.gangplank.datasets", (!datasets.is_empty()).then(|| datasets.join(","))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A URL without a log-in in it.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((login, _)) => format!("{scheme}://{}", rest.get(login.len() + 1..).unwrap_or_default()),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fixture;
    use crate::port::Origin;

    #[test]
    fn what_the_version_tells_and_no_log_in() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let version = ModelVersion {
            tags: map(&[
                ("azureml.git.commit", "c0ffee"),
                ("mlflow.source.git.repoURL", "https://u:p@git.example/a@b.git"),
            ]),
            origin: Origin {
                job: Some("brave_sail_1".to_owned()),
                datasets: ["b", "a", "b"].map(str::to_owned).into(),
                properties: map(&[("azureml.git.commit", "beef")]),
            },
            ..fixture::version()
        };
        let expected = map(&[
            ("org.opencontainers.image.revision", "beef"),
            ("org.opencontainers.image.source", "https://git.example/a@b.git"),
            ("dev.gangplank.job", "brave_sail_1"),
            ("dev.gangplank.datasets", "a,b"),
        ]);
        assert_eq!(annotations(&version), expected);
        assert!(annotations(&fixture::version()).is_empty());
        assert_eq!(without_login("git@github.com:a/b.git"), "git@github.com:a/b.git");
    }
}
