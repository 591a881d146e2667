//! Copying any image to the bridge's registry: whole, with what refers to it.

use bridge::image::CopiedImage;
use bridge::port::{PortResult, Refused, Watch};
use futures_util::TryFutureExt;
use oci::copy::{Destination, Options, Origin};
use oci::image::ImageError;
use oci::reference::{Reference, Version};

use crate::error;
use crate::images::{Images, Told, invalid};

/// What of an image is copied, and what may be replaced.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    /// The image, `HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@DIGEST`.
    pub from: String,
    /// Its name afterwards.
    pub to: String,
    /// Platforms, referrers, and how many blobs at once.
    pub options: Options,
    /// Whether a tag that stands for another image may be taken from it.
    pub replace: bool,
}

impl Images {
    /// Copies an image. Blobs that are there are not sent; the manifest comes last.
    pub async fn copy_image<W: Watch>(&self, request: &CopyRequest, watch: &W) -> PortResult<CopiedImage> {
        let from = Reference::parse(&request.from).map_err(|problem| invalid(&problem))?;
        let to = Reference::parse(&request.to).map_err(|problem| invalid(&problem))?;
        let (source, target) = (self.registry_of(&from)?, self.registry_of(&to)?);
        let Version::Tag(tag) = &to.version else {
            let problem =
                format!("`{to}` names a digest; the copy has the digest of what is copied: name a tag");
            return Err(error::own("image registry", Refused::Invalid, problem));
        };
        let origin =
            Origin { registry: &source, repository: &from.repository, version: from.version.as_str() };
        let destination = Destination { registry: &target, repository: &to.repository, tag };
        if !request.replace {
            self.not_taken(origin, destination, &request.options, &to).await?;
        }
        let told = Told(watch);
        let copy = oci::copy::image(origin, destination, &request.options, &told);
        let copy = copy.map_err(|failed| error::image("image registry", &ImageError::Base(failed)));
        let copied = self.deadline.bound("image registry", Box::pin(copy)).await?;
        Ok(CopiedImage {
            reference: format!("{}/{}@{}", target.host(), to.repository, copied.digest),
            digest: copied.digest.to_string(),
            sent: copied.tally.sent,
            present: copied.tally.present,
            mounted: copied.tally.mounted,
            referrers: copied.referrers,
            retries: copied.retries,
        })
    }

    /// Fails if the tag stands for another image.
    async fn not_taken(
        &self,
        origin: Origin<'_>,
        destination: Destination<'_>,
        options: &Options,
        to: &Reference,
    ) -> PortResult<()> {
        let there = destination.registry.manifest(destination.repository, destination.tag).await;
        let there = there.map_err(|failed| error::registry("image registry", &failed))?;
        let Some(there) = there.map(|found| found.digest) else { return Ok(()) };
        let ours = oci::copy::digest(origin, options).await;
        let ours = ours.map_err(|failed| error::image("image registry", &ImageError::Base(failed)))?;
        if there == ours {
            return Ok(());
        }
        let problem =
            format!("`{to}` is another image already, {there}; give the copy another tag, or `--replace` it");
        Err(error::own("image registry", Refused::Conflict, problem))
    }
}
