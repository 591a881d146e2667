//! References to model versions, as people write them (`fraud`, `fraud:7`, `fraud@latest`, `fraud@stage=production`) and as
//! Azure ML does (`azureml:fraud:7`, `azureml://registries/R/models/fraud/versions/7`, ARM ids).

use std::fmt;

use crate::spec::{ModelHome, ModelRef, VersionRef};

/// The longest name and the longest version that Azure ML takes.
const NAME_MAX: usize = 255;

/// Azure ML's resource provider.
const PROVIDER: &str = "Microsoft.MachineLearningServices";

/// Why a text is no model reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelRefError {
    /// The name is not one that Azure ML allows.
    #[error(
        "`{0}` names no model: expected letters, digits, `-`, `_` and `.`, the first a letter or a digit"
    )]
    Name(String),
    /// The version is not one that Azure ML allows.
    #[error(
        "`{0}` names no version: expected letters, digits, `-`, `_` and `.` after the `:`, as in `fraud:7`"
    )]
    Version(String),
    /// What follows the `@` is neither `latest` nor a tag.
    #[error("`{0}` names no version: expected `@latest` or `@TAG=VALUE`")]
    Selector(String),
    /// It begins as an id of Azure ML and does not go on as one of a model version.
    #[error(
        "`{0}` names no model version: expected `azureml://registries/REGISTRY/models/NAME/versions/VERSION`, the same with \
         `labels/latest`, `azureml:NAME:VERSION`, or the id of a version in the workspace"
    )]
    Id(String),
}

impl ModelRef {
    /// A version in the bridge's workspace.
    pub fn in_workspace(name: &str, version: VersionRef) -> Self {
        Self { home: ModelHome::Workspace, name: name.to_owned(), version }
    }

    /// The registry that the model is in, if it is in one.
    pub fn registry(&self) -> Option<&str> {
        match &self.home {
            ModelHome::Registry(registry) => Some(registry),
            ModelHome::Workspace | ModelHome::NamedWorkspace(_) => None,
        }
    }

    /// Reads a reference. A name alone means the newest version.
    pub fn parse(text: &str) -> Result<Self, ModelRefError> {
        if text.starts_with("azureml://") || text.starts_with("/subscriptions/") {
            return id(text).ok_or_else(|| ModelRefError::Id(text.to_owned()));
        }
        match text.strip_prefix("azureml:") {
            Some(short) => plain(short).map_err(|_| ModelRefError::Id(text.to_owned())),
            None => plain(text),
        }
    }
}

/// Reads `NAME`, `NAME:VERSION`, `NAME@latest` or `NAME@TAG=VALUE`.
fn plain(text: &str) -> Result<ModelRef, ModelRefError> {
    let (name, version) = match text.find([':', '@']).map(|position| text.split_at(position)) {
        None => (text, VersionRef::Latest),
        Some((name, rest)) => (name, version(text, rest)?),
    };
    if !is_model_name(name) {
        return Err(ModelRefError::Name(text.to_owned()));
    }
    Ok(ModelRef::in_workspace(name, version))
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ModelHome::Registry(registry) = &self.home {
            write!(f, "azureml://registries/{registry}/models/{}", self.name)?;
            return match &self.version {
                VersionRef::Exact(version) => write!(f, "/versions/{version}"),
                VersionRef::Latest => f.write_str("/labels/latest"),
                VersionRef::Tagged { tag, value } => write!(f, "@{tag}={value}"),
            };
        }
        if let (ModelHome::NamedWorkspace(workspace), VersionRef::Exact(version)) =
            (&self.home, &self.version)
        {
            return write!(f, "{workspace}/models/{}/versions/{version}", self.name);
        }
        match &self.version {
            VersionRef::Latest => write!(f, "{}@latest", self.name),
            VersionRef::Exact(version) => write!(f, "{}:{version}", self.name),
            VersionRef::Tagged { tag, value } => write!(f, "{}@{tag}={value}", self.name),
        }
    }
}

/// Reads an id of Azure ML's: of a registry's version, or of a workspace's with or without `providers`.
fn id(text: &str) -> Option<ModelRef> {
    let path = text.strip_prefix("azureml://").or_else(|| text.strip_prefix('/'))?;
    let (place, model) = path.split_once("/models/")?;
    let model: Vec<&str> = model.split('/').collect();
    let (name, version) = match model.as_slice() {
        [name, "versions", version] => (*name, VersionRef::Exact((*version).to_owned())),
        [name, "labels", "latest"] => (*name, VersionRef::Latest),
        _ => return None,
    };
    let place: Vec<&str> = place.split('/').collect();
    let home = match place.as_slice() {
        ["registries", registry] if is_model_name(registry) => ModelHome::Registry((*registry).to_owned()),
        ["subscriptions", subscription, groups, group, rest @ ..]
            if groups.eq_ignore_ascii_case("resourceGroups") =>
        {
            let workspace = match rest {
                [workspaces, workspace] if workspaces.eq_ignore_ascii_case("workspaces") => workspace,
                ["providers", provider, workspaces, workspace]
                    if provider.eq_ignore_ascii_case(PROVIDER)
                        && workspaces.eq_ignore_ascii_case("workspaces") =>
                {
                    workspace
                }
                _ => return None,
            };
            ModelHome::NamedWorkspace(format!(
                "/subscriptions/{subscription}/resourceGroups/{group}/providers/{PROVIDER}/workspaces/{workspace}"
            ))
        }
        _ => return None,
    };
    let exact = match &version {
        VersionRef::Exact(version) => is_model_name(version),
        _ => true,
    };
    (exact && is_model_name(name)).then(|| ModelRef { home, name: name.to_owned(), version })
}

/// What follows the name in `text`, beginning with `:` or `@`.
fn version(text: &str, rest: &str) -> Result<VersionRef, ModelRefError> {
    if let Some(version) = rest.strip_prefix(':') {
        return if is_model_name(version) {
            Ok(VersionRef::Exact(version.to_owned()))
        } else {
            Err(ModelRefError::Version(text.to_owned()))
        };
    }
    let selector = rest.strip_prefix('@').unwrap_or(rest);
    match selector.split_once('=') {
        _ if selector == "latest" => Ok(VersionRef::Latest),
        Some((tag, value)) if !tag.trim().is_empty() && !selector.contains(char::is_control) => {
            Ok(VersionRef::Tagged { tag: tag.to_owned(), value: value.to_owned() })
        }
        _ => Err(ModelRefError::Selector(text.to_owned())),
    }
}

/// Whether Azure ML takes a text as the name or the version of a model.
pub fn is_model_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= NAME_MAX
        && text.bytes().all(legal)
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let tagged = |tag: &str, value: &str| VersionRef::Tagged { tag: tag.into(), value: value.into() };
        for (text, name, version) in [
            ("fraud", "fraud", VersionRef::Latest),
            ("fraud@latest", "fraud", VersionRef::Latest),
            ("Wine_Cultivar:7", "Wine_Cultivar", VersionRef::Exact("7".into())),
            ("fraud:2024.1-rc_1", "fraud", VersionRef::Exact("2024.1-rc_1".into())),
            ("fraud:latest", "fraud", VersionRef::Exact("latest".into())),
            ("fraud@stage=production", "fraud", tagged("stage", "production")),
            ("fraud@stage=", "fraud", tagged("stage", "")),
            ("fraud@note=a=b:c@d", "fraud", tagged("note", "a=b:c@d")),
        ] {
            let reference = ModelRef::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(reference, ModelRef::in_workspace(name, version), "{text}");
            assert_eq!(ModelRef::parse(&reference.to_string()), Ok(reference), "{text}");
        }
    }

    #[test]
    fn ids_of_azure_ml() {
        let workspace =
            "/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W";
        let named = || ModelHome::NamedWorkspace(workspace.to_owned());
        let shared = || ModelHome::Registry("shared".to_owned());
        let seven = || VersionRef::Exact("7".to_owned());
        for (text, home, version) in [
            ("azureml:fraud:7", ModelHome::Workspace, seven()),
            ("azureml:fraud@latest", ModelHome::Workspace, VersionRef::Latest),
            ("azureml://registries/shared/models/fraud/versions/7", shared(), seven()),
            ("azureml://registries/shared/models/fraud/labels/latest", shared(), VersionRef::Latest),
            (
                "azureml://subscriptions/S/resourceGroups/G/workspaces/W/models/fraud/versions/7",
                named(),
                seven(),
            ),
            (&format!("{workspace}/models/fraud/versions/7"), named(), seven()),
        ] {
            let reference = ModelRef::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(reference, ModelRef { home, name: "fraud".into(), version }, "{text}");
            assert_eq!(ModelRef::parse(&reference.to_string()), Ok(reference), "{text}");
        }
        for text in [
            "azureml://registries/shared/models/fraud",
            "azureml://registries/shared/models/fraud/labels/newest",
            "azureml://registries/../models/fraud/versions/7",
            "azureml://registries/shared/environments/fraud/versions/7",
            "azureml://datastores/x/paths/models/fraud/versions/7",
            "azureml:///models/fraud/versions/7",
            "/subscriptions/S/models/fraud/versions/7",
            "azureml:",
        ] {
            let error = ModelRef::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` names no model version: expected ")), "{error}");
        }
    }

    #[test]
    fn no_references() {
        for (text, names_no) in [
            ("", "model"),
            (":7", "model"),
            ("_x", "model"),
            ("../x:1", "model"),
            ("fraud:", "version"),
            ("fraud:7/8", "version"),
            ("fraud:7@latest", "version"),
            ("fraud@", "version"),
            ("fraud@newest", "version"),
            ("fraud@=x", "version"),
            ("fraud@a=b\n", "version"),
        ] {
            let error = ModelRef::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` names no {names_no}: expected ")), "{error}");
        }
    }
}
