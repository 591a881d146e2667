//! A setting that names a provider, an account or a project is empty where it is read.

use super::super::case::Case;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

/// Words in the names of settings that must not be empty.
const NAMES: [&str; 10] = [
    "PROVIDER",
    "WORKLOAD_IDENTITY",
    "SERVICE_ACCOUNT",
    "PROJECT",
    "POOL",
    "AUDIENCE",
    "CLIENT_ID",
    "TENANT",
    "REGISTRY",
    "REPOSITORY",
];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    variable(case).or_else(|| file(case)).or_else(|| by_words(case))
}

fn finding(name: &str, origin: String) -> Finding {
    Finding::new("client/value-empty", cause::RESOURCE_NAME, format!("`{name}` is empty where it is read"))
        .expected(format!("a value for `{name}`"), "the client's settings")
        .found("nothing", origin)
        .advice("see where it is kept: a secret read as a variable (`vars.X` for `secrets.X`), another environment's, or a name spelt otherwise gives an empty text and no error")
}

fn variable(case: &Case<'_>) -> Option<Finding> {
    let all = case.variables();
    let concerned = |name: &str| {
        let name = name.to_ascii_uppercase();
        NAMES.iter().any(|part| name.contains(part))
    };
    let (name, _, origin) = all.iter().find(|(name, value, _)| value.trim().is_empty() && concerned(name))?;
    Some(finding(name, origin.clone()))
}

fn file(case: &Case<'_>) -> Option<Finding> {
    let it = case
        .of(Kind::CredentialFile)
        .chain(case.of(Kind::TokenRequest))
        .find(|it| it.text("/audience").is_some_and(str::is_empty))?;
    Some(finding("audience", it.origin("/audience")))
}

fn by_words(case: &Case<'_>) -> Option<Finding> {
    let needle = "must specify exactly one of";
    if !case.says(&[needle]) {
        return None;
    }
    let place = case.said_in(needle);
    Some(finding("workload_identity_provider", place).confidence(Confidence::Likely))
}
