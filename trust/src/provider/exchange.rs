//! The token exchange, stage by stage: live → issuer → key → audience → time → mapping → subject size → condition.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::keys::require_key;
use super::mapping::{Outcomes, evaluate, is_on_claims_alone, meets_condition};
use super::verdict::{Compared, Trace};
use super::{Mapped, Pool, Provider, Refusal, Stage, State, Verdict};
use crate::cel::{MAX_STEPS, Meter};
use crate::token::{Claims, Header, Validity};

/// How far the token's times may be off, both ways. Measured, not documented.
pub const SKEW_SECONDS: i64 = 60;

/// `google.subject` may have this many bytes.
/// <https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers>
const SUBJECT_BYTES: usize = 127;

/// What is known of a token that is to be exchanged.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// Its claims.
    pub claims: &'a Claims,
    /// Its header, if it was seen.
    pub header: Option<&'a Header>,
    /// The issuer's published key set, if it was seen; one that is uploaded to the provider goes before.
    pub keys: Option<&'a Json>,
}

/// Whom Google would make of `claims` at `now`, or why it would refuse. The signature is taken to be verified.
pub fn exchange(
    pool: &Pool,
    provider: &Provider,
    claims: &Claims,
    now: Timestamp,
) -> Result<Mapped, Refusal> {
    judge(pool, provider, Presented { claims, header: None, keys: None }, now).outcome
}

/// Whom Google would make of a token at `now`, or why it would refuse, with every stage on the way. That the signature is
/// by the key it names is taken to be verified.
pub fn judge(pool: &Pool, provider: &Provider, token: Presented<'_>, now: Timestamp) -> Verdict {
    let mut trace = Trace::default();
    let outcome = walk(pool, provider, token, now, &mut trace);
    trace.end(outcome)
}

fn walk(
    pool: &Pool,
    provider: &Provider,
    token: Presented<'_>,
    now: Timestamp,
    trace: &mut Trace,
) -> Result<Mapped, Refusal> {
    let claims = token.claims;
    trace.note(Stage::Live, require_live(pool, provider))?;
    trace.note(Stage::Issuer, require_issuer(provider, claims))?;
    key(provider, token, trace)?;
    trace.note(Stage::Audience, require_audience(provider, claims))?;
    trace.note(Stage::Time, require_time(claims, now))?;
    let mut meter = Meter::new(MAX_STEPS);
    let outcomes = evaluate(provider, claims, &mut meter);
    if let Err(unmapped) = &outcomes.mapped {
        // A condition on claims alone is looked at before a value is missed: a token without `sub` is rejected by a
        // condition on it, not for want of a subject.
        let first = unmapped.lacks_value() && is_on_claims_alone(provider);
        let rejected = first.then(|| meets_condition(provider, claims, &outcomes, &mut meter));
        let refusal = rejected.and_then(Result::err).unwrap_or_else(|| unmapped.clone());
        trace.note(refusal.stage, Err(refusal))?;
    }
    mapped(provider, claims, outcomes, &mut meter, trace)
}

/// What is left once every attribute has its value.
fn mapped(
    provider: &Provider,
    claims: &Claims,
    outcomes: Outcomes,
    meter: &mut Meter,
    trace: &mut Trace,
) -> Result<Mapped, Refusal> {
    let held = meets_condition(provider, claims, &outcomes, meter);
    let mapped = outcomes.mapped?;
    let names = format!("google.subject {}, {} groups", mapped.subject, mapped.groups.len());
    trace.note(Stage::Mapping, Ok(Compared::new("a value for every mapped attribute", names)))?;
    trace.note(Stage::SubjectSize, require_size(&mapped))?;
    trace.note(Stage::Condition, held)?;
    Ok(mapped)
}

fn require_live(pool: &Pool, provider: &Provider) -> Result<Compared, Refusal> {
    let sides = [("pool", pool.state, pool.disabled), ("provider", provider.state, provider.disabled)];
    for (side, state, disabled) in sides {
        match state {
            State::Deleted => return Err(Refusal::no_live_provider(format!("the {side} is deleted"))),
            State::Active | State::StateUnspecified if disabled => {
                return Err(Refusal::no_live_provider(format!("the {side} is disabled")));
            }
            State::Active | State::StateUnspecified => {}
        }
    }
    Ok(Compared::new("a pool and a provider that exist and are enabled", "both"))
}

fn require_issuer(provider: &Provider, claims: &Claims) -> Result<Compared, Refusal> {
    match claims.issuer() {
        Some(issuer) if issuer == provider.issuer() => Ok(Compared::new(provider.issuer(), issuer)),
        found => Err(Refusal::issuer(provider.issuer(), found)),
    }
}

/// Is the key that the token names there? Told only if both were seen.
fn key(provider: &Provider, token: Presented<'_>, trace: &mut Trace) -> Result<(), Refusal> {
    const EXPECTED: &str = "a published key with the token's `kid`";
    let text = provider.oidc.as_ref().and_then(|oidc| oidc.jwks_json.as_deref());
    let uploaded: Option<Json> = text.map(|text| serde_json::from_str(text).unwrap_or_default());
    let Some((keys, header)) = uploaded.as_ref().or(token.keys).zip(token.header) else {
        trace.skip(Stage::Signature, EXPECTED);
        return Ok(());
    };
    let outcome = require_key(keys, header).map(|found| Compared::new(EXPECTED, found));
    trace.note(Stage::Signature, outcome)
}

fn require_audience(provider: &Provider, claims: &Claims) -> Result<Compared, Refusal> {
    let admitted = provider.admitted_audiences();
    let found = claims.audiences();
    if found.iter().any(|audience| admitted.iter().any(|one| one == audience)) {
        return Ok(Compared::new(admitted.join(" or "), found.join(", ")));
    }
    Err(Refusal::audience(&admitted, &found))
}

fn require_time(claims: &Claims, now: Timestamp) -> Result<Compared, Refusal> {
    let stale = |expected: &str, found: String| {
        let seconds = claims.issued_at().map(Timestamp::as_second);
        Err(Refusal::stale(seconds, expected.to_owned(), found))
    };
    match claims.validity(now, SKEW_SECONDS) {
        Validity::Within { from, until } => {
            Ok(Compared::new(format!("{now}, give or take {SKEW_SECONDS} s"), format!("{from} to {until}")))
        }
        Validity::Unknown => stale("`iat` and `exp` in the token", "at least one is absent".to_owned()),
        Validity::Expired { at } => {
            stale("a token that has not expired", format!("expired at {at}, now {now}"))
        }
        Validity::NotYet { from } => stale("a token that has begun", format!("begins at {from}, now {now}")),
    }
}

fn require_size(mapped: &Mapped) -> Result<Compared, Refusal> {
    let size = mapped.subject.len();
    if size > SUBJECT_BYTES {
        return Err(Refusal::subject_too_long(size, SUBJECT_BYTES));
    }
    Ok(Compared::new(format!("at most {SUBJECT_BYTES} bytes"), format!("{size} bytes")))
}
