//! Entra does not know one of the two applications in this tenant: the caller's, or ours.

use super::refused_by_entra::{CLIENT, Case};
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let code = refused.code(&["AADSTS500011", "AADSTS7000229", "AADSTS700016", "AADSTS650052"])?;
    let tenant = refused.tenant();
    if code == "AADSTS500011" {
        return Some(resource(refused, &tenant));
    }
    let client = refused.named().unwrap_or("not seen").to_owned();
    let finding = refused
        .finding(
            "azure/application-not-in-tenant",
            cause::OBJECT_MISSING,
            format!("the application that the caller logs in as is not in {tenant}"),
        )
        .expected(
            format!("an application with a service principal in {tenant}"),
            refused.declared_tenant().map_or("Entra", |_| "the bridge, `azure.tenant`"),
        )
        .found(client, "the client id that the caller logs in with");
    Some(if code == "AADSTS7000229" {
        finding.mend(
            "it is registered, but has no service principal here: make one, which has a new object id, and grant it what the \
             bridge declares",
            format!("az ad sp create --id {CLIENT} && gangplank apply"),
        )
    } else {
        finding.advice(
            "check AZURE_CLIENT_ID and AZURE_TENANT_ID: mostly one of them is another environment's, or an object id in the \
             place of the client id",
        )
    })
}

/// The application that the token is for is not there.
fn resource(refused: &Case<'_>, tenant: &str) -> Finding {
    if let Some(way) = refused.chain.way() {
        let own = way.bridge.identifier_uri();
        return refused
            .finding(
                "azure/application-not-in-tenant",
                cause::OBJECT_MISSING,
                format!("our application `{own}` is not in {tenant}"),
            )
            .expected(own, "the bridge")
            .mend("make the application as the bridge declares it", "gangplank apply");
    }
    refused
        .finding(
            "azure/resource-unknown",
            cause::AUDIENCE_MISMATCH,
            format!("the resource that a token is asked for is not in {tenant}"),
        )
        .expected("the identifier URI of an application in the tenant, as it is written there", "Entra")
        .found(
            refused.after("resource principal named ").or(refused.named()).unwrap_or("not seen"),
            refused.said(),
        )
        .look("see whether an application has it", "az ad app list --identifier-uri RESOURCE")
        .advice("compare the resource or scope that is asked for with it, slash for slash")
}
