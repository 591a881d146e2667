//! The project that is named is not there; one with nearly the same name is.

use super::super::case::Case;
use super::super::words;
use crate::exhibit::Kind;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let (named, origin) = named(case)?;
    let known = known(case);
    if known.iter().any(|(it, _)| *it == named) {
        return None;
    }
    let near = known
        .iter()
        .filter_map(|it| Some((words::distance(&it.0.to_lowercase(), &named.to_lowercase(), 3)?, it)));
    let (_, (right, place)) = near.min_by_key(|(distance, _)| *distance)?;
    Some(
        Finding::new(
            "google/project-unknown",
            cause::RESOURCE_NAME,
            format!("project `{named}` is not there, `{right}` is"),
        )
        .expected(right, place)
        .found(&named, origin)
        .mend("name the project that is there", format!("gcloud projects describe {right}"))
        .advice(
            "Google says `permission denied … (or it may not exist)` of a project that is not there as well",
        ),
    )
}

/// The project that the refusal, or a setting, names.
fn named(case: &Case<'_>) -> Option<(String, String)> {
    let said = case.says(&["or it may not exist", "project lookup error", "not found", "notfound"]);
    let in_text = words::between(&case.said, "projects/", "'")
        .or_else(|| words::between(&case.said, "projects/", "\""));
    let in_text = in_text.map(|it| it.split('/').next().unwrap_or(it)).filter(|it| is_id(it));
    if let Some(project) = in_text.filter(|_| said) {
        return Some((project.to_owned(), case.said_in("projects/")));
    }
    None
}

fn is_id(text: &str) -> bool {
    (4..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == ':' || c == '.')
}

/// The projects that are known to be there, or are named elsewhere.
fn known(case: &Case<'_>) -> Vec<(String, String)> {
    let listed = case
        .of(Kind::Project)
        .filter_map(|it| Some((it.text("/projectId")?.to_owned(), it.origin("/projectId"))));
    let set = case
        .of(Kind::Environment)
        .filter_map(|it| Some((it.text("/core/project")?.to_owned(), it.origin("/core/project"))));
    let variables = case.variables();
    let variables = variables.into_iter().filter(|(name, value, _)| name.contains("PROJECT") && is_id(value));
    listed.chain(set).chain(variables.map(|(_, value, origin)| (value.to_owned(), origin))).collect()
}
