//! Service shared access signatures for a container: made for the registry's readers, and checked as Azure Storage does
//! (the string to sign of version 2020-12-06 and later).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;

use super::refusal::Refusal;
use crate::azure::wire::{Pairs, http_date};
use crate::world::Shared;

/// The version whose rules the signature follows.
const VERSION: &str = "2021-08-06";
/// How long a signature is good for; the live service's last some hours.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// What a signature says, as its query does.
struct Said<'a> {
    permissions: &'a str,
    start: &'a str,
    expiry: &'a str,
    identifier: &'a str,
    address: &'a str,
    protocol: &'a str,
    version: &'a str,
    resource: &'a str,
    snapshot: &'a str,
    encryption_scope: &'a str,
    headers: [&'a str; 5],
}

impl Said<'_> {
    /// The string that is signed, for the container `place`.
    fn text(&self, (account, container): (&str, &str)) -> String {
        let resource = format!("/blob/{account}/{container}");
        let fields = [
            self.permissions,
            self.start,
            self.expiry,
            &resource,
            self.identifier,
            self.address,
            self.protocol,
            self.version,
            self.resource,
            self.snapshot,
            self.encryption_scope,
        ];
        fields.into_iter().chain(self.headers).collect::<Vec<_>>().join("\n")
    }
}

/// The query of a URL that lets its bearer list and read the container `place` for a while.
pub(crate) fn issue(shared: &Shared, place: (&str, &str)) -> String {
    let now = shared.clock.now();
    let end = now.checked_add(LIFETIME).unwrap_or(now).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let said = Said {
        permissions: "rl",
        start: "",
        expiry: &end,
        identifier: "",
        address: "",
        protocol: "https",
        version: VERSION,
        resource: "c",
        snapshot: "",
        encryption_scope: "",
        headers: [""; 5],
    };
    let signature = STANDARD.encode(hmac::sign(&key(shared), said.text(place).as_bytes()));
    shared.minted.remember(&signature);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("sv", VERSION).append_pair("spr", "https").append_pair("se", &end);
    query.append_pair("sr", "c").append_pair("sp", "rl").append_pair("sig", &signature);
    let query = query.finish();
    if let Some((_, escaped)) = query.rsplit_once("sig=") {
        shared.minted.remember(escaped);
    }
    query
}

/// Whether the signature in `query` holds for the container `place`, now, and permits `needed`.
pub(super) fn check(
    shared: &Shared,
    place: (&str, &str),
    query: &Pairs,
    needed: char,
    aged: bool,
) -> Result<(), Refusal> {
    let text = |name: &str| query.get(name).unwrap_or_default();
    let said = Said {
        permissions: text("sp"),
        start: text("st"),
        expiry: text("se"),
        identifier: text("si"),
        address: text("sip"),
        protocol: text("spr"),
        version: text("sv"),
        resource: text("sr"),
        snapshot: "",
        encryption_scope: text("ses"),
        headers: [text("rscc"), text("rscd"), text("rsce"), text("rscl"), text("rsct")],
    };
    let signature = STANDARD.decode(text("sig")).unwrap_or_default();
    let signed = said.text(place);
    if said.resource != "c" || hmac::verify(&key(shared), signed.as_bytes(), &signature).is_err() {
        return Err(Refusal::signature(format!("Signature did not match. String to sign used was {signed}")));
    }
    let now = shared.clock.now();
    let end = said.expiry.parse::<Timestamp>().unwrap_or_default();
    if aged || now > end {
        let frame = format!(
            "Signature not valid in the specified time frame: Start [] - Expiry [{}] - Current [{}]",
            http_date(end),
            http_date(now)
        );
        return Err(Refusal::signature(frame));
    }
    if said.permissions.contains(needed) { Ok(()) } else { Err(Refusal::DENIED) }
}

fn key(shared: &Shared) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, shared.azure.storage_key.as_bytes())
}
