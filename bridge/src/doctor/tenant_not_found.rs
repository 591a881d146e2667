//! Entra does not know the tenant that the caller logs in to.

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    refused.code(&["AADSTS90002", "AADSTS900023"])?;
    let declared = refused.declared_tenant();
    let asked = refused.quoted().unwrap_or("not seen");
    let finding = refused
        .finding("azure/tenant-not-found", cause::RESOURCE_NAME, format!("Entra has no tenant `{asked}`"))
        .expected("a tenant of this cloud", declared.map_or("Entra", |_| "bridge.yaml, `azure.tenant`"))
        .found(asked, "the tenant that was asked for a token");
    if let Some(declared) = declared.filter(|declared| *declared != asked) {
        return Some(finding.advice(format!(
            "the bridge declares `{declared}`: take another tenant out of AZURE_TENANT_ID"
        )));
    }
    let key = declared.map_or("AZURE_TENANT_ID", |_| "`azure.tenant`");
    Some(
        finding.look("see which tenant you are in", "az account show --query tenantId --output tsv").advice(
            format!("correct {key}; if it is right, the log-in is at another cloud than the tenant's"),
        ),
    )
}
