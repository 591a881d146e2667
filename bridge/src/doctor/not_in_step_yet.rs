//! Everything that can be seen is right, and a service still decides by what was true before: the deadline tells "not
//! yet" from "wrong".

use jiff::SignedDuration;

use super::chain::Chain;
use super::exchange::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};
use crate::port::PortError;

/// How long a changed pool or provider may take to count, in minutes. Google gives no figure; five minutes is what others
/// have measured at most.
const PROVIDER_MINUTES: i64 = 5;

/// How long a new grant may take to count: `docs.cloud.google.com/iam/docs/access-change-propagation` says two minutes
/// mostly, and seven or more at times.
const GRANT_MINUTES: i64 = 7;

/// Of an exchange: pool, provider and token were all seen, and this token passes.
pub(super) fn exchange(case: &RefusedExchange<'_>) -> Option<Finding> {
    let error = case.error?;
    let seen = case.evidence.provider.as_ref().is_some_and(|it| it.seen().is_some())
        && case.evidence.pool.as_ref().is_some_and(|it| it.seen().is_some())
        && case.claims.is_some();
    let about_the_setting = [
        "audience\" parameters",
        "The audience in",
        "The issuer in",
        "attribute condition",
        "Could not obtain a value",
        "must be of type",
    ];
    if !seen
        || case.predicted.is_some()
        || !about_the_setting.iter().any(|words| error.message.contains(words))
    {
        return None;
    }
    let finding = Finding::new(
        "google/provider-not-honoured-yet",
        cause::PROPAGATION,
        format!("Google's STS goes by an older state of provider {}", case.chain.provider()),
    );
    Some(wait(finding, case.chain, error, PROVIDER_MINUTES))
}

/// Of a permission: the grant is there.
pub(super) fn grant(chain: &Chain<'_>, error: &PortError, what: &str) -> Finding {
    let finding = Finding::new(
        "google/grant-not-honoured-yet",
        cause::PROPAGATION,
        format!("{what} is there, and does not count yet"),
    );
    wait(finding, chain, error, GRANT_MINUTES)
}

fn wait(finding: Finding, chain: &Chain<'_>, error: &PortError, minutes: i64) -> Finding {
    let deadline = chain.now().checked_add(SignedDuration::from_mins(minutes)).unwrap_or(chain.now());
    let hours = deadline.strftime("%H:%M:%SZ");
    let finding = finding
        .confidence(Confidence::Likely)
        .expected("what was seen, which lets the caller through", "Google IAM")
        .found(&error.message, error.service);
    let words = format!("wait: it has {minutes} minutes from the change on");
    let finding = match chain {
        Chain::Declared(way) => finding
            .mend(words, format!("gangplank doctor --team {} --watch --timeout {minutes}m", way.team.name)),
        Chain::Shown(_) => finding.advice(words),
    };
    finding.advice(format!("if it is still refused at {hours}, it is wrong and not late: look for a deny policy or an organisation's constraint"))
}
