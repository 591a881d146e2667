//! What is said of the image, put beside it. A registry that takes no such thing has the image all the same, and so the shipment
//! goes on: that it goes without, or with what is signed of it alone, is said.

use super::{Patience, ShipError, ShipPorts, ShipRequest, step};
use crate::image::{Attested, PushedImage, Testimony};
use crate::manifest;
use crate::port::{Event, ImageStore, ModelVersion, Time, Watch};

/// Puts SBOM and provenance beside the image, if they are wished for. Gives what they say.
pub(super) async fn attest<M, I: ImageStore, C, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    version: &ModelVersion,
    pushed: &mut PushedImage,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<Option<Testimony>, ShipError> {
    if !request.seals.provenance {
        return Ok(None);
    }
    step(ports.watch, "attest", &pushed.reference);
    let testimony = Testimony::of(version, &request.service.runtime);
    manifest::refuse_secrets(&[serde_json::json!({
        "kind": "Provenance",
        "metadata": {"name": format!("{}:{}", version.name, version.version)},
        "says": testimony,
    })])?;
    let patience = Patience::new(ports.time, ports.watch);
    let attested = patience
        .retry("attest", || ports.images.attest(pushed, &testimony, ports.watch))
        .await
        .map_err(ShipError::at("attest"))?;
    match attested {
        Attested::There(referrers) => pushed.referrers = referrers,
        Attested::Refused(words) => {
            let instead = match &request.seals.signing_key {
                Some(_) => "gets SBOM and provenance in their signed form alone",
                None => "goes without SBOM and provenance",
            };
            ports.watch.event(Event::Notice {
                text: format!("the image {instead}: the registry takes nothing that refers to it: {words}"),
            });
        }
    }
    Ok(Some(testimony))
}
