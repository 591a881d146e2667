//! References to model versions, as people write them: `fraud`, `fraud:7`, `fraud@latest`, `fraud@stage=production`.

use std::fmt;

use crate::spec::{ModelRef, VersionRef};

/// The longest name and the longest version that Azure ML takes.
const NAME_MAX: usize = 255;

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
}

impl ModelRef {
    /// Reads a reference. A name alone means the newest version.
    pub fn parse(text: &str) -> Result<Self, ModelRefError> {
        let (name, version) = match text.find([':', '@']).map(|position| text.split_at(position)) {
            None => (text, VersionRef::Latest),
            Some((name, rest)) => (name, version(text, rest)?),
        };
        if !is_model_name(name) {
            return Err(ModelRefError::Name(text.to_owned()));
        }
        Ok(Self { name: name.to_owned(), version })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            VersionRef::Latest => write!(f, "{}@latest", self.name),
            VersionRef::Exact(version) => write!(f, "{}:{version}", self.name),
            VersionRef::Tagged { tag, value } => write!(f, "{}@{tag}={value}", self.name),
        }
    }
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
            assert_eq!(reference, ModelRef { name: name.into(), version }, "{text}");
            assert_eq!(ModelRef::parse(&reference.to_string()), Ok(reference), "{text}");
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
