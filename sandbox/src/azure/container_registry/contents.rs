//! What lies in the registry: images by repository, and uploads under way.

use std::collections::{BTreeMap, HashMap};

use super::uploads::Upload;
use crate::registry::Words;
use crate::registry::error::RegistryError;
use crate::registry::image::Image;

/// What lies in the registry.
#[derive(Default)]
pub(crate) struct ContainerRegistry {
    images: BTreeMap<String, Image>,
    pub(super) uploads: HashMap<String, Upload>,
}

impl ContainerRegistry {
    pub(super) fn image(&self, name: &str) -> Option<&Image> {
        self.images.get(name)
    }

    pub(super) fn image_mut(&mut self, name: &str) -> Option<&mut Image> {
        self.images.get_mut(name)
    }

    /// Makes a blob known to a repository, which exists from then on.
    pub(super) fn put_blob(&mut self, name: &str, digest: &str, size: u64) {
        self.images.entry(name.to_owned()).or_default().blobs.insert(digest.to_owned(), size);
    }

    /// The repositories that hold a manifest.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.images.iter().filter(|(_, image)| !image.manifests.is_empty()).map(|(name, _)| name)
    }

    /// Deletes a manifest and the tags that name it.
    pub(super) fn delete(&mut self, name: &str, digest: &str) -> Result<(), RegistryError> {
        let unknown = || RegistryError::manifest_unknown(Words::Azure, digest);
        let image = self.images.get_mut(name).ok_or_else(unknown)?;
        image.manifests.remove(digest).ok_or_else(unknown)?;
        image.tags.retain(|_, tagged| tagged != digest);
        Ok(())
    }
}
