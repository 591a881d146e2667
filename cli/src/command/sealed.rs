//! What is demanded of a base and put beside an image, by the bridge file and the flags.

use bridge::image::{Seals, TrustedKey};
use bridge::spec::{Runtime, Service};
use oci::signature::PublicKey;

use crate::args::Sealed;
use crate::context::{Context, unreadable};
use crate::edge;
use crate::report::Failure;

/// The seals of a service's image.
pub(super) fn seals(context: &Context, flags: &Sealed, service: &Service) -> Result<Seals, Failure> {
    let signing_key = flags.sign.as_ref().or(context.bridge.google.signing_key.as_ref());
    Ok(Seals {
        provenance: !flags.no_provenance,
        base_key: base_key(context, service)?,
        signing_key: signing_key.cloned(),
    })
}

/// The key that the base must be signed with.
fn base_key(context: &Context, service: &Service) -> Result<Option<TrustedKey>, Failure> {
    let Runtime::Image { signed_by: Some(path), .. } = &service.runtime else { return Ok(None) };
    let hint = "`signedBy` of the service's runtime names it; the path is relative to the bridge file";
    let bytes = edge::read(&context.folder.join(path)).map_err(|error| unreadable(&error).hint(hint))?;
    let pem = String::from_utf8(bytes).unwrap_or_default();
    if let Err(problem) = PublicKey::parse(&pem) {
        return Err(Failure::usage(format!("`{path}` is no key to hold signatures against"))
            .because(&problem)
            .hint(hint));
    }
    Ok(Some(TrustedKey { path: path.clone(), pem }))
}
