//! The image signed, where a key is named for it. Unlike the provenance it was asked for, so that going without fails.

use super::{Patience, ShipError, ShipPorts, ShipRequest, step};
use crate::image::PushedImage;
use crate::port::{ImageStore, Time, Watch};

/// Signs the image.
pub(super) async fn sign<M, I: ImageStore, C, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    pushed: &mut PushedImage,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<(), ShipError> {
    let Some(key) = &request.seals.signing_key else { return Ok(()) };
    step(ports.watch, "sign", &key.to_string());
    let patience = Patience::new(ports.time, ports.watch);
    let signature = patience
        .retry("sign", || ports.images.sign(pushed, key, ports.watch))
        .await
        .map_err(ShipError::at("sign"))?;
    pushed.referrers.push(signature);
    Ok(())
}
