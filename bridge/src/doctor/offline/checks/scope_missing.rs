//! An access token was asked for without a scope, or with one that is none.

use serde_json::Value;

use super::super::case::Case;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let requests = case.of(Kind::ImpersonationRequest);
    let bare = requests.into_iter().find(|it| {
        it.list("/scope").iter().all(|one| one.as_str().is_none_or(|text| !is_scope(text)))
            && !it.text("/scope").is_some_and(is_scope)
    });
    if let Some(it) = bare {
        let shown = it.value.get("scope").map_or_else(|| "null".to_owned(), Value::to_string);
        return Some(finding().found(shown, it.origin("/scope")));
    }
    let needle = "access_token_scope_insufficient";
    let narrow = case.says(&[needle]);
    let null = case.says(&["\"scope\": null", "scope: null", "'scope': none"]);
    if !narrow && !null {
        return None;
    }
    let place = case.talk();
    Some(
        finding()
            .found(if narrow { "too narrow a scope" } else { "null" }, place)
            .confidence(Confidence::Likely),
    )
}

fn is_scope(text: &str) -> bool {
    text.starts_with("https://www.googleapis.com/auth/") || matches!(text, "openid" | "email" | "profile")
}

fn finding() -> Finding {
    Finding::new(
        "google/scope-missing",
        cause::SCOPE,
        "the access token is asked for without a scope that fits",
    )
    .expected(SCOPE, "the body of the request, `scope`")
    .advice(format!(
        "give the client the scope `{SCOPE}`, in Python `credentials.with_scopes([…])`, before it refreshes"
    ))
}
