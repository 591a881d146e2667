//! Looking at the exchange: the token becomes a federated one at Google's STS. What was tried and refused, and what the
//! configuration says of the token, is put to the same checks.

use trust::provider::{Provider, Refusal, Stage};
use trust::token::Claims;

use super::chain::Chain;
use super::evidence::unseen;
use super::{Ask, Evidence, Sight, Thing, Verdict};
use super::{
    api_disabled, audience_not_admitted, condition_rejects_subject, first_party_audience, hop_failed,
    issuer_differs, issuer_keys_unusable, mapping_unusable, not_in_step_yet, project_number_differs,
    provider_not_live, subject_too_long, token_out_of_time,
};
use crate::finding::{Confidence, Finding};
use crate::port::PortError;

/// A refused exchange with all that could be seen around it.
pub(super) struct RefusedExchange<'a> {
    pub(super) chain: &'a Chain<'a>,
    pub(super) evidence: &'a Evidence,
    /// The claims of the token that was refused.
    pub(super) claims: Option<&'a Claims>,
    /// STS's own refusal; `None` if only the configuration was seen.
    pub(super) error: Option<&'a PortError>,
    /// Where and why the configuration refuses these claims, if both were seen and it does.
    pub(super) predicted: Option<Refusal>,
}

const CHECKS: [fn(&RefusedExchange<'_>) -> Option<Finding>; 12] = [
    first_party_audience::check,
    project_number_differs::check,
    provider_not_live::check,
    issuer_differs::check,
    audience_not_admitted::check,
    token_out_of_time::check,
    mapping_unusable::check,
    subject_too_long::check,
    condition_rejects_subject::check,
    issuer_keys_unusable::check,
    not_in_step_yet::exchange,
    |case| api_disabled::check(case.chain, case.evidence, case.error?),
];

pub(super) fn look(chain: &Chain<'_>, evidence: &Evidence) -> Verdict {
    let (provider, pool) = chain.ids();
    let (provider, pool, project) = (provider.to_owned(), pool.to_owned(), chain.project().to_owned());
    // A declared chain has asked for it before.
    let Some(token) = &evidence.entra_token else {
        return Verdict::Need(Ask::EntraToken { scope: String::new() });
    };
    let Some(attempt) = &evidence.exchange else {
        return Verdict::Need(Ask::Exchange { pool, provider });
    };
    if attempt.seen().is_some() {
        let passed = chain.way().and_then(|way| first_party_audience::passed(way, evidence));
        return match passed {
            Some(finding) => Verdict::Broken(Box::new(finding)),
            None => Verdict::Sound(format!("pool {pool}, provider {provider}")),
        };
    }
    let Some(pool_seen) = &evidence.pool else { return Verdict::Need(Ask::Pool { project, pool }) };
    let Some(provider_seen) = &evidence.provider else {
        return Verdict::Need(Ask::Provider { project, pool, provider });
    };
    let claims = token.seen();
    let pool = pool_seen.seen().cloned().unwrap_or_default();
    let predicted = provider_seen
        .seen()
        .zip(claims)
        .and_then(|(provider, claims)| trust::provider::exchange(&pool, provider, claims, chain.now()).err());
    let case = RefusedExchange { chain, evidence, claims, error: attempt.refusal(), predicted };
    match attempt {
        // Nothing was tried, and what can be seen would let the token pass.
        Sight::Unseen { why } if case.predicted.is_none() => match provider_not_live::check(&case) {
            Some(finding) => Verdict::Broken(Box::new(finding)),
            None => Verdict::Unseen(why.clone()),
        },
        _ => Verdict::Broken(Box::new(name(&case))),
    }
}

fn name(case: &RefusedExchange<'_>) -> Finding {
    CHECKS.iter().find_map(|check| check(case)).unwrap_or_else(|| hop_failed::exchange(case))
}

impl RefusedExchange<'_> {
    /// The refusal that the configuration gives, if it is at one of these stages.
    pub(super) fn predicted_at(&self, stages: &[Stage]) -> Option<&Refusal> {
        self.predicted.as_ref().filter(|it| stages.contains(&it.stage))
    }

    /// Whether STS's refusal holds one of these.
    pub(super) fn said(&self, words: &[&str]) -> bool {
        self.error.is_some_and(|error| words.iter().any(|it| error.message.contains(it)))
    }

    /// The same, where the configuration tells nothing.
    pub(super) fn said_alone(&self, words: &[&str]) -> bool {
        self.predicted.is_none() && self.said(words)
    }

    /// The provider, where it was seen.
    pub(super) fn provider(&self) -> Option<&Provider> {
        self.evidence.provider.as_ref()?.seen()
    }

    /// Where a field of the provider stands.
    pub(super) fn setting(&self, field: &str) -> String {
        let pointer = format!("/{}", field.replace('.', "/"));
        self.evidence.place(Thing::Provider, &pointer, format!("provider, `{field}`"))
    }

    /// Where an entry of a map of the provider's stands.
    pub(super) fn setting_of(&self, field: &str, entry: &str) -> String {
        self.evidence.place(Thing::Provider, &format!("/{field}/{entry}"), format!("provider, `{field}`"))
    }

    /// Says of a finding that the provider could not be looked at.
    pub(super) fn unseen_provider(&self, finding: Finding) -> Finding {
        finding.confidence(Confidence::Likely).advice(unseen(
            "the provider",
            self.evidence.provider.as_ref(),
            "roles/iam.workloadIdentityPoolViewer",
        ))
    }
}
