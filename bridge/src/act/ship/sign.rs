//! The image signed, and its SBOM and provenance with it, where a key is named for it. Unlike the two as such, signatures were asked
//! for: going without fails.

use super::{Patience, ShipError, ShipPorts, ShipRequest, step};
use crate::image::{PushedImage, Testimony};
use crate::port::{ImageStore, Time, Watch};

/// Signs the image, and what is said of it.
pub(super) async fn sign<M, I: ImageStore, C, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    testimony: Option<&Testimony>,
    pushed: &mut PushedImage,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<(), ShipError> {
    let Some(key) = &request.seals.signing_key else { return Ok(()) };
    step(ports.watch, "sign", &key.to_string());
    let patience = Patience::new(ports.time, ports.watch);
    let signatures = patience
        .retry("sign", || ports.images.sign(pushed, testimony, key, ports.watch))
        .await
        .map_err(ShipError::at("sign"))?;
    pushed.referrers.extend(signatures);
    Ok(())
}
