//! Names of images in Artifact Registry.

use crate::registry::error::RegistryError;
use crate::registry::path::is_component;
use crate::seed;

/// Artifact Registry's words for a path that is too short.
const TOO_SHORT: &str =
    "Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE";

/// `PROJECT/REPOSITORY/IMAGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageName {
    pub(crate) project: String,
    pub(crate) repository: String,
    pub(crate) image: String,
}

impl ImageName {
    pub(crate) fn parse(name: &str) -> Result<Self, RegistryError> {
        let mut parts = name.splitn(3, '/');
        let (Some(project), Some(repository), Some(image)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(RegistryError::invalid("NAME_INVALID", TOO_SHORT));
        };
        if !name.split('/').all(is_component) {
            return Err(RegistryError::invalid("NAME_INVALID", format!("Invalid image name \"{name}\"")));
        }
        Ok(Self { project: project.to_owned(), repository: repository.to_owned(), image: image.to_owned() })
    }

    /// The name as it stands in paths and token scopes.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}/{}", self.project, self.repository, self.image)
    }

    /// The repository's resource name. The sandbox's registry stands at one location.
    pub(crate) fn resource(&self) -> String {
        format!("projects/{}/locations/{}/repositories/{}", self.project, seed::LOCATION, self.repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_three_parts() {
        assert!(ImageName::parse("p/r").is_err());
        assert!(ImageName::parse("p/r/../i").is_err());
        assert!(ImageName::parse("p/r/a//i").is_err());
        assert_eq!(ImageName::parse("p/r/a/b").unwrap().image, "a/b");
    }
}
