//! Entra has no key that vouches for the workload's token: it cannot read the issuer's keys, or none of them signed it.

use trust::token::Claims;

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let code =
        refused.code(&["AADSTS90061", "AADSTS50166", "AADSTS7000272", "AADSTS7000274", "AADSTS5000811"])?;
    let claims = refused.claims();
    let issuer = claims.and_then(Claims::issuer).unwrap_or("ISSUER").to_owned();
    let unreadable = matches!(code, "AADSTS90061" | "AADSTS50166");
    let summary = if unreadable {
        format!("Entra cannot read the keys of `{issuer}`")
    } else {
        format!("no key of `{issuer}` signed the token that the workload logs in with")
    };
    let page = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let finding = refused
        .finding("azure/issuer-keys-unusable", cause::KEYS, summary)
        .expected("keys that Entra can read over the Internet, one of which signed the token", page.clone())
        .look("see what the issuer publishes", format!("curl --fail --silent --show-error '{page}'"));
    Some(if unreadable {
        finding.advice(
            "publish the two documents where everybody can read them, behind a certificate of a public authority: they hold \
             public keys alone",
        )
    } else {
        finding.advice("get a new token: its key was replaced since; if it stays so, the token was not made by this issuer, or altered")
    })
}
