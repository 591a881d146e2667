//! The bridge file names another project number than the project has, so that the exchange asks for a provider that is
//! nowhere, and grants name principals that nobody is.

use super::exchange::RefusedExchange;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let way = case.chain.way()?;
    let google = &way.bridge.google;
    let name = &case.evidence.pool.as_ref()?.seen()?.name;
    let number = name.strip_prefix("projects/")?.split('/').next()?;
    if number == google.project_number || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let finding = Finding::new(
        "google/project-number-differs",
        cause::RESOURCE_NAME,
        format!("`projectNumber` is not the number of project `{}`", google.project),
    )
    .expected(number, format!("Google IAM, the name of pool `{}`", way.bridge.federation.pool))
    .found(google.project_number.clone(), "bridge.yaml, `google.projectNumber`")
    .advice(format!("write `projectNumber: \"{number}\"` into `bridge.yaml`"));
    Some(finding)
}
