//! Copying any image to the bridge's registry: whole, with what refers to it.

use bridge::image::CopiedImage;
use bridge::port::{PortError, PortResult, Refused, Watch};
use futures_util::TryFutureExt;
use oci::copy::{CopyError, Destination, Options, Origin};
use oci::image::ImageError;
use oci::reference::{Reference, Version};

use crate::error;
use crate::images::{Images, Told, invalid};

const SERVICE: &str = "image registry";

/// What of an image is copied, and what may be replaced.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    /// The image, `HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@DIGEST`.
    pub from: String,
    /// Its name afterwards.
    pub to: String,
    /// Platforms, referrers, how many blobs at once, and whether a taken tag is replaced.
    pub options: Options,
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
            return Err(error::own(SERVICE, Refused::Invalid, problem));
        };
        let origin =
            Origin { registry: &source, repository: &from.repository, version: from.version.as_str() };
        let destination = Destination { registry: &target, repository: &to.repository, tag };
        let told = Told(watch);
        let copy = oci::copy::image(origin, destination, &request.options, &told);
        let copy = copy.map_err(refusal);
        let copied = self.deadline.bound(SERVICE, Box::pin(copy)).await?;
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
}

fn refusal(failed: CopyError) -> PortError {
    if let CopyError::Taken { .. } = failed {
        let problem = format!("{failed}; give the copy another tag, or `--replace` it");
        return error::own(SERVICE, Refused::Conflict, problem);
    }
    error::image(SERVICE, &ImageError::Base(failed))
}
