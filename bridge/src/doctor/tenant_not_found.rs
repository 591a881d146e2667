//! Entra does not know the tenant that the caller logs in to.

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    refused.code(&["AADSTS90002", "AADSTS900023"])?;
    let declared = &refused.way.bridge.azure.tenant;
    let asked = refused.quoted().unwrap_or("not seen").to_owned();
    let finding = refused
        .finding("azure/tenant-not-found", cause::RESOURCE_NAME, format!("Entra has no tenant `{asked}`"))
        .expected("a tenant of this cloud", "bridge.yaml, `azure.tenant`")
        .found(asked.clone(), "the tenant that was asked for a token");
    Some(if asked == *declared {
        finding
            .look("see which tenant you are in", "az account show --query tenantId --output tsv")
            .advice("correct `azure.tenant`; if it is right, `azure.cloud` is another cloud's")
    } else {
        finding
            .advice(format!("the bridge declares `{declared}`: take another tenant out of AZURE_TENANT_ID"))
    })
}
