//! There is no live pool or provider of that name: never made, deleted for now, or switched off. Google's words are the
//! same for all of them.

use trust::provider::{Stage, State};

use super::evidence::{is_absent, unseen};
use super::hops::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let pool = case.evidence.pool.as_ref();
    let provider = case.evidence.provider.as_ref();
    let said = case.error.is_some_and(|error| error.message.contains("\"audience\" parameters is invalid"));
    let state = state(case);
    let seen = case.predicted.as_ref().is_some_and(|it| it.stage == Stage::Live)
        || pool.is_some_and(is_absent)
        || provider.is_some_and(is_absent);
    if !seen && (!said || state.is_some()) {
        return None;
    }
    let federation = &case.walk.bridge.federation;
    let finding = Finding::new(
        "google/provider-not-live",
        cause::OBJECT_MISSING,
        format!(
            "provider `{}` of pool `{}` is not there, or not in use",
            federation.provider, federation.pool
        ),
    )
    .expected("a pool and a provider that are there and switched on", "the bridge, `federation`");
    let finding = match state {
        _ if seen => finding.found(found(case), "Google IAM"),
        _ => finding
            .confidence(Confidence::Likely)
            .found("refused in words that say no more", "Google STS")
            .advice(unseen("the pool", pool, "roles/iam.workloadIdentityPoolViewer")),
    };
    Some(mend(finding, case))
}

/// `Some` if both were seen alive.
fn state(case: &RefusedExchange<'_>) -> Option<()> {
    let pool = case.evidence.pool.as_ref()?.seen()?;
    let provider = case.evidence.provider.as_ref()?.seen()?;
    let live = |state: State, disabled: bool| state != State::Deleted && !disabled;
    (live(pool.state, pool.disabled) && live(provider.state, provider.disabled)).then_some(())
}

fn found(case: &RefusedExchange<'_>) -> String {
    if let Some(predicted) = &case.predicted
        && predicted.stage == Stage::Live
    {
        return predicted.found.clone();
    }
    if case.evidence.pool.as_ref().is_some_and(is_absent) {
        return "there is no such pool".to_owned();
    }
    "there is no such provider".to_owned()
}

/// What brings back each thing that is down, and no more.
fn mend(finding: Finding, case: &RefusedExchange<'_>) -> Finding {
    let bridge = case.walk.bridge;
    let (pool, provider) = (&bridge.federation.pool, &bridge.federation.provider);
    let flags = format!("--project={} --location=global", bridge.google.project);
    let pools = "gcloud iam workload-identity-pools";
    let finding = finding.mend("put it back as the bridge declares it", "gangplank apply");
    let seen_pool = case.evidence.pool.as_ref().and_then(|it| it.seen());
    let seen_provider = case.evidence.provider.as_ref().and_then(|it| it.seen());
    if let Some(one) = seen_pool {
        if one.state == State::Deleted {
            return finding.mend("or undelete the pool", format!("{pools} undelete {pool} {flags}"));
        }
        if one.disabled {
            return finding
                .mend("or switch the pool on", format!("{pools} update {pool} {flags} --no-disabled"))
                .advice("it was switched off by somebody: ask why before it is switched on");
        }
    }
    match seen_provider {
        Some(one) if one.state == State::Deleted => finding.mend(
            "or undelete the provider",
            format!("{pools} providers undelete {provider} {flags} --workload-identity-pool={pool}"),
        ),
        Some(one) if one.disabled => finding
            .mend(
                "or switch the provider on",
                format!(
                    "{pools} providers update-oidc {provider} {flags} --workload-identity-pool={pool} --no-disabled"
                ),
            )
            .advice("it was switched off by somebody: ask why before it is switched on"),
        _ => finding,
    }
}
