//! A token of Entra's own is presented where Entra wants one of another issuer, or a federated one is federated again.

use trust::entra::ENTRA_ISSUERS;

use super::super::case::Case;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    chained(case).or_else(|| {
        let said = case.says(&["aadsts700222", "aad-issued tokens may not be used"]);
        let about = said || case.of(Kind::FederatedCredential).next().is_some() && case.provider().is_none();
        let tokens = case.tokens();
        let of_entra = |issuer: &str| ENTRA_ISSUERS.iter().any(|start| issuer.starts_with(start));
        let token = tokens.iter().find(|it| about && it.claims.issuer().is_some_and(of_entra));
        // A managed identity may be federated with, in its own tenant, by a credential for its issuer.
        let admitted = |issuer: &str| case.of(Kind::FederatedCredential).any(|it| it.text("/issuer") == Some(issuer));
        let (found, origin, sure) = match token {
            Some(token) if said || !admitted(token.claims.issuer()?) => (token.claims.issuer()?.to_owned(), token.exhibit.origin("/claims/iss"), Confidence::Certain),
            None if said => ("a token that Entra issued".to_owned(), case.said_in("aad-issued"), Confidence::Likely),
            Some(_) | None => return None,
        };
        Some(
            finding("a token of Entra's own is presented in place of an outside issuer's")
                .expected("a token of the issuer that the federated credential names: the cluster's, GitHub's, Google's", "the application's federated credentials")
                .found(found, origin)
                .confidence(sure)
                .advice("present the outside token itself; a managed identity's is taken only in its own cloud, by a federated credential that names its issuer and object id"),
        )
    })
}

fn chained(case: &Case<'_>) -> Option<Finding> {
    let needle = "aadsts700231";
    if !case.says(&[needle, "obtained using another federated identity credential"]) {
        return None;
    }
    let tokens = case.tokens();
    let token = tokens.first();
    let (found, origin) = token.map_or_else(
        || ("a token that was itself got with a federated credential".to_owned(), case.said_in(needle)),
        |it| (it.claims.issuer().unwrap_or("unknown").to_owned(), it.exhibit.origin("/claims/iss")),
    );
    Some(
        finding("a token that was got by a federated credential is federated a second time")
            .expected("one federation: the outside issuer's token, for the application that is wanted in the end", "Entra")
            .found(found, origin)
            .confidence(if token.is_some() { Confidence::Certain } else { Confidence::Likely })
            .mend(
                "federate the outside issuer with that application directly",
                "az ad app federated-credential create --id APP_ID --parameters '{\"name\":\"NAME\",\"issuer\":\"ISSUER\",\"subject\":\"SUBJECT\",\"audiences\":[\"api://AzureADTokenExchange\"]}'",
            ),
    )
}

fn finding(summary: &str) -> Finding {
    Finding::new("azure/assertion-from-entra", cause::CREDENTIAL_SOURCE, summary)
}
