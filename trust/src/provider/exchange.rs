//! The token exchange, stage by stage: live → issuer → audience → time → mapping → subject size → condition.

use jiff::{SignedDuration, Timestamp};

use super::mapping::{map_attributes, meets_condition};
use super::{Mapped, Pool, Provider, Refusal, State};
use crate::cel::{MAX_STEPS, Meter};
use crate::token::Claims;

/// How far the token's times may be off, both ways.
pub const SKEW_SECONDS: i64 = 60;

/// `google.subject` may have this many bytes.
const SUBJECT_BYTES: usize = 127;

/// Whom Google would make of `claims` at `now`, or why it would refuse. The signature is taken to be verified.
pub fn exchange(
    pool: &Pool,
    provider: &Provider,
    claims: &Claims,
    now: Timestamp,
) -> Result<Mapped, Refusal> {
    require_live(pool, provider)?;
    require_issuer(provider, claims)?;
    require_audience(provider, claims)?;
    require_time(claims, now)?;
    let mut meter = Meter::new(MAX_STEPS);
    let mapped = map_attributes(provider, claims, &mut meter)?;
    let size = mapped.subject.len();
    if size > SUBJECT_BYTES {
        return Err(Refusal::subject_too_long(size, SUBJECT_BYTES));
    }
    meets_condition(provider, claims, &mapped, &mut meter)?;
    Ok(mapped)
}

fn require_live(pool: &Pool, provider: &Provider) -> Result<(), Refusal> {
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
    Ok(())
}

fn require_issuer(provider: &Provider, claims: &Claims) -> Result<(), Refusal> {
    if claims.issuer() == Some(provider.issuer()) {
        return Ok(());
    }
    Err(Refusal::issuer(provider.issuer(), claims.issuer()))
}

fn require_audience(provider: &Provider, claims: &Claims) -> Result<(), Refusal> {
    let admitted = provider.admitted_audiences();
    let found = claims.audiences();
    if found.iter().any(|audience| admitted.iter().any(|one| one == audience)) {
        return Ok(());
    }
    Err(Refusal::audience(&admitted, &found))
}

fn require_time(claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
    let issued_at = claims.issued_at();
    let stale = |expected: &str, found: String| {
        let seconds = issued_at.map(Timestamp::as_second);
        Err(Refusal::stale(seconds, expected.to_owned(), found))
    };
    let (Some(issued), Some(expires)) = (issued_at, claims.expires_at()) else {
        return stale("`iat` and `exp` in the token", "at least one is absent".to_owned());
    };
    let skew = SignedDuration::from_secs(SKEW_SECONDS);
    if now.duration_since(expires) > skew {
        return stale("a token that has not expired", format!("expired at {expires}, now {now}"));
    }
    let begins = claims.not_before().unwrap_or(issued).max(issued);
    if begins.duration_since(now) > skew {
        return stale("a token that has begun", format!("begins at {begins}, now {now}"));
    }
    Ok(())
}
