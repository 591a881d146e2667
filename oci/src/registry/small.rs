//! A blob that is in memory: sent unless it is there.

use bytes::Bytes;

use super::{Registry, RegistryError, Size, Upload};
use crate::digest::Digest;
use crate::image::AtHand;
use crate::progress::Progress;

impl Registry {
    /// Sees to it that a repository has a blob.
    pub async fn put_blob(
        &self,
        repository: &str,
        what: &str,
        bytes: Bytes,
        progress: &dyn Progress,
    ) -> Result<Digest, RegistryError> {
        let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
        if self.has_blob(repository, &digest, size).await? {
            return Ok(digest);
        }
        let upload = Upload {
            repository,
            what,
            size: Size::Exactly(size),
            digest: Some(digest.clone()),
            bytes: &AtHand(bytes),
            session: None,
            progress,
        };
        self.upload(upload).await?;
        Ok(digest)
    }
}
