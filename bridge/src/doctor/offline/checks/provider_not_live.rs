//! The provider or its pool is deleted, switched off, or another one is named.

use trust::provider::{ResourceName, State};

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    named_elsewhere(case).or_else(|| {
        let seen = case.provider()?;
        let pools = case
            .of(Kind::Pool)
            .filter(|it| seen.provider.name.starts_with(&format!("{}/", it.text("/name").unwrap_or("?"))));
        let sides = pools.map(|it| (it, "pool")).chain(std::iter::once((seen.exhibit, "provider")));
        sides.into_iter().find_map(|(exhibit, side)| dead(exhibit, side))
    })
}

fn dead(exhibit: &Exhibit, side: &str) -> Option<Finding> {
    let state: State =
        exhibit.get("/state").and_then(|it| serde_json::from_value(it.clone()).ok()).unwrap_or_default();
    let off = exhibit.flag("/disabled") == Some(true);
    let (found, pointer) = match state {
        State::Deleted => ("DELETED", "/state"),
        State::Active | State::StateUnspecified if off => ("disabled: true", "/disabled"),
        State::Active | State::StateUnspecified => return None,
    };
    let name = exhibit.text("/name").unwrap_or_default();
    let what = if side == "pool" { "workload-identity-pools" } else { "workload-identity-pools providers" };
    let verb = if state == State::Deleted {
        "undelete"
    } else if side == "pool" {
        "update"
    } else {
        "update-oidc"
    };
    let switch = if state == State::Deleted { "" } else { " --no-disabled" };
    Some(
        Finding::new(
            "google/provider-not-live",
            cause::OBJECT_MISSING,
            format!("the {side} takes no tokens: {found}"),
        )
        .expected("ACTIVE, not disabled", format!("the {side}"))
        .found(found, exhibit.origin(pointer))
        .mend(
            "bring it back, if it was not switched off for a reason",
            format!("gcloud iam {what} {verb} '{name}'{switch}"),
        ),
    )
}

/// The client names a provider that is not among those that there are.
fn named_elsewhere(case: &Case<'_>) -> Option<Finding> {
    let (audience, origin) = case.audience()?;
    let named = ResourceName::parse_audience(audience.trim_start_matches("https:"))?;
    let providers = case.providers();
    let known: Vec<&str> = providers.iter().map(|it| it.provider.name.as_str()).collect();
    let nothing = case.none_of(Kind::Provider);
    let same = |it: &&str| {
        ResourceName::parse(it).is_some_and(|own| {
            own.provider == named.provider
                && own.pool == named.pool
                && (own.project == named.project || own.project.starts_with(|c: char| !c.is_ascii_digit()))
        })
    };
    if known.iter().any(same) || known.is_empty() && nothing.is_none() {
        return None;
    }
    let listed = providers.first().map_or_else(
        || nothing.map_or_else(String::new, |it| it.file.clone()),
        |it| it.exhibit.origin("/name"),
    );
    let expected = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Some(
        Finding::new("google/provider-not-live", cause::OBJECT_MISSING, "the client names a provider that is not there")
            .expected(expected, listed)
            .found(named.to_string(), origin)
            .advice("let the client name the provider that is there; a deleted one is gone for thirty days and can be undeleted"),
    )
}
