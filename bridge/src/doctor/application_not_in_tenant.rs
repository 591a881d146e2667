//! Entra does not know one of the two applications in this tenant: the caller's, or ours.

use super::refused_by_entra::{CLIENT, Case};
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let code = refused.code(&["AADSTS500011", "AADSTS7000229", "AADSTS700016", "AADSTS650052"])?;
    let tenant = &refused.way.bridge.azure.tenant;
    if code == "AADSTS500011" {
        let own = refused.way.bridge.identifier_uri();
        return Some(
            refused
                .finding(
                    "azure/application-not-in-tenant",
                    cause::OBJECT_MISSING,
                    format!("our application `{own}` is not in tenant `{tenant}`"),
                )
                .expected(own, "the bridge")
                .mend("make the application as the bridge declares it", "gangplank apply"),
        );
    }
    let client = refused.named().unwrap_or("not seen").to_owned();
    let finding = refused
        .finding(
            "azure/application-not-in-tenant",
            cause::OBJECT_MISSING,
            format!("the application that the caller logs in as is not in tenant `{tenant}`"),
        )
        .expected(
            format!("an application with a service principal in `{tenant}`"),
            "the bridge, `azure.tenant`",
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
