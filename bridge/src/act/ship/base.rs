//! The base that a service demands to be signed is looked at before anything is read: nothing is built on an image that nobody
//! whom the bridge trusts has signed.

use super::{Patience, ShipError, ShipPorts, ShipRequest, step};
use crate::image::SignatureVerdict;
use crate::port::{ImageStore, Time, Watch};
use crate::spec::Runtime;

/// Fails unless the base is signed as the service demands, if it demands anything.
pub(super) async fn verify<M, I: ImageStore, C, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<(), ShipError> {
    let Runtime::Image { image, signed_by: Some(path), .. } = &request.service.runtime else {
        return Ok(());
    };
    step(ports.watch, "verify-base", image);
    let unsigned = |reason: String| ShipError::Unsigned {
        service: request.service.name.clone(),
        key: path.clone(),
        reason,
    };
    // Whoever runs the act reads the file; that it was not read must not pass for a signature.
    let key = request.seals.base_key.as_ref().filter(|key| key.path == *path);
    let key =
        key.ok_or_else(|| unsigned("the key was not read, so that nothing was looked at".to_owned()))?;
    let patience = Patience::new(ports.time, ports.watch);
    let verdict = patience
        .retry("verify-base", || ports.images.signed(image, key))
        .await
        .map_err(ShipError::at("verify-base"))?;
    match verdict {
        SignatureVerdict::Signed => Ok(()),
        SignatureVerdict::Unsigned(reason) => Err(unsigned(reason)),
    }
}
