//! The workflow may not ask GitHub for an ID token.

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let said =
        case.says(&["actions_id_token_request_url", "actions_id_token_request_token", "id-token: write"]);
    let lacking = case.of(Kind::Workflow).find(|it| !permits(it));
    let about_tokens = said || case.says(&["did not inject", "oidc token", "get id token", "getidtoken"]);
    let (found, origin, sure) = match lacking {
        Some(it) if about_tokens || case.said.is_empty() => {
            ("no `id-token: write`", it.origin("/permissions"), Confidence::Certain)
        }
        _ if said => ("no `ACTIONS_ID_TOKEN_REQUEST_URL` in the job", case.talk(), Confidence::Likely),
        _ => return None,
    };
    Some(
        Finding::new("client/id-token-not-permitted", cause::CREDENTIAL_ABSENT, "the workflow may not ask GitHub for an ID token")
            .expected("permissions: id-token: write", "the workflow, or the job that logs in")
            .found(found, origin)
            .confidence(sure)
            .advice("add `permissions: { id-token: write, contents: read }` to the job; a pull request from a fork never gets a token"),
    )
}

/// Whether the workflow or one of its jobs may.
fn permits(workflow: &Exhibit) -> bool {
    let grants = |value: Option<&serde_json::Value>| {
        value.is_some_and(|it| {
            it.get("id-token").and_then(serde_json::Value::as_str) == Some("write")
                || it.as_str() == Some("write-all")
        })
    };
    let jobs = workflow.get("/jobs").and_then(serde_json::Value::as_object);
    grants(workflow.get("/permissions"))
        || jobs.is_some_and(|jobs| jobs.values().any(|job| grants(job.get("permissions"))))
}
