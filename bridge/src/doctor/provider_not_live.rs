//! There is no live pool or provider of that name: never made, deleted for now, or switched off. Google's words are the
//! same for all of them.

use trust::provider::{Stage, State};

use super::chain::Chain;
use super::evidence::{is_absent, unseen};
use super::exchange::RefusedExchange;
use super::{Sight, Thing};
use crate::finding::{Confidence, Finding, cause};

/// What is down: which of the two, the field that says so, and what it says.
struct Down {
    thing: Thing,
    field: &'static str,
    found: &'static str,
}

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let pool = case.evidence.pool.as_ref();
    let provider = case.evidence.provider.as_ref();
    let said = case.said(&["\"audience\" parameters is invalid"]);
    let both_seen = pool.and_then(Sight::seen).is_some() && provider.and_then(Sight::seen).is_some();
    let down = down(case);
    let predicted = case.predicted_at(&[Stage::Live]);
    let absent = pool.is_some_and(is_absent) || provider.is_some_and(is_absent);
    let seen = absent || down.is_some() || predicted.is_some();
    if !seen && (!said || both_seen) {
        return None;
    }
    let (provider_id, pool_id) = case.chain.ids();
    let finding = Finding::new(
        "google/provider-not-live",
        cause::OBJECT_MISSING,
        format!("provider `{provider_id}` of pool `{pool_id}` is not there, or not in use"),
    );
    let finding = expected(finding, case, absent);
    let finding = match (predicted, &down) {
        (predicted, Some(down)) => finding.found(
            predicted.map_or(down.found, |it| it.found.as_str()),
            case.evidence.place(down.thing, down.field, "Google IAM"),
        ),
        (Some(predicted), None) => finding.found(&predicted.found, "Google IAM"),
        (None, None) if absent => named(finding, case),
        (None, None) => finding
            .confidence(Confidence::Likely)
            .found("refused in words that say no more", "Google STS")
            .advice(unseen("the pool", pool, "roles/iam.workloadIdentityPoolViewer")),
    };
    Some(mend(finding, case, down.as_ref()))
}

fn expected(finding: Finding, case: &RefusedExchange<'_>, absent: bool) -> Finding {
    let whole = "a pool and a provider that are there and switched on";
    let Chain::Shown(shown) = case.chain else { return finding.expected(whole, "the bridge, `federation`") };
    if !absent {
        return finding.expected(whole, "Google's STS");
    }
    let names: Vec<&str> = shown.providers.iter().map(|it| it.name.as_str()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    finding.expected(format!("one that there is: {names}"), &shown.provider_file)
}

/// What is named and is not there.
fn named(finding: Finding, case: &RefusedExchange<'_>) -> Finding {
    if let Some((audience, origin)) = case.chain.shown().and_then(|it| it.named.as_ref()) {
        return finding.found(audience, origin);
    }
    let pool = case.evidence.pool.as_ref().is_some_and(is_absent);
    finding.found(if pool { "there is no such pool" } else { "there is no such provider" }, "Google IAM")
}

/// What was seen to be down; the pool first, since it takes its providers with it.
fn down(case: &RefusedExchange<'_>) -> Option<Down> {
    let is_down = |thing, state: State, disabled: bool| {
        if state == State::Deleted {
            return Some(Down { thing, field: "/state", found: "DELETED" });
        }
        disabled.then_some(Down { thing, field: "/disabled", found: "disabled: true" })
    };
    let pool = case.evidence.pool.as_ref().and_then(Sight::seen);
    let pool = pool.and_then(|it| is_down(Thing::Pool, it.state, it.disabled));
    pool.or_else(|| case.provider().and_then(|it| is_down(Thing::Provider, it.state, it.disabled)))
}

/// What brings back the thing that is down, and no more.
fn mend(finding: Finding, case: &RefusedExchange<'_>, down: Option<&Down>) -> Finding {
    let (provider, pool) = case.chain.ids();
    let flags = format!("--project={} --location=global", case.chain.project());
    let pools = "gcloud iam workload-identity-pools";
    let finding = case.chain.put_back(finding, "put it back as the bridge declares it");
    let Some(down) = down else {
        let absent = case.chain.shown().is_some();
        let gone = "let the client name the provider that is there; a deleted one is gone for thirty days and can be undeleted";
        return if absent { finding.advice(gone) } else { finding };
    };
    let of_pool = down.thing == Thing::Pool;
    let (what, command) = match (of_pool, down.field == "/state") {
        (true, true) => ("undelete the pool", format!("{pools} undelete {pool} {flags}")),
        (true, false) => ("switch the pool on", format!("{pools} update {pool} {flags} --no-disabled")),
        (false, true) => (
            "undelete the provider",
            format!("{pools} providers undelete {provider} {flags} --workload-identity-pool={pool}"),
        ),
        (false, false) => (
            "switch the provider on",
            format!(
                "{pools} providers update-oidc {provider} {flags} --workload-identity-pool={pool} --no-disabled"
            ),
        ),
    };
    let finding = finding.mend(case.chain.or(what), command);
    if down.field == "/state" {
        return finding;
    }
    finding.advice("it was switched off by somebody: ask why before it is switched on")
}
