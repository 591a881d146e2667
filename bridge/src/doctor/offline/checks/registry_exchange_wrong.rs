//! An Azure registry's token exchange is asked in a way that does not fit the credential.

use super::super::case::Case;
use crate::exhibit::Kind;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let request = case.of(Kind::TokenRequest).find(|it| {
        let grant = it.text_of(&["/grant_type", "/grantType"]).unwrap_or_default();
        let acr = it.text("/service").is_some_and(|it| it.ends_with(".azurecr.io"))
            || case.says(&["azurecr.io", "acr refresh token"]);
        acr && grant.contains("access_token_refresh_token")
            | (grant == "refresh_token" && case.says(&["/oauth2/exchange"]))
    })?;
    let grant = request.text_of(&["/grant_type", "/grantType"]).unwrap_or_default();
    Some(
        Finding::new("azure/registry-exchange-wrong", cause::CREDENTIAL_SOURCE, "the registry's exchange is asked for by a refresh token, which a service principal or managed identity has not")
            .expected("grant_type=access_token", "POST https://REGISTRY/oauth2/exchange")
            .found(format!("grant_type={grant}"), request.origin("/grant_type"))
            .advice("send the Entra access token alone, as `access_token`, with `grant_type=access_token`, `service` and `tenant`"),
    )
}
