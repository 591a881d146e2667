//! Looking at each hop: what to ask for, and which checks to put to a refusal.

use trust::provider::Refusal;
use trust::token::Claims;

use super::{Ask, Evidence, Sight, Verdict, Walk};
use super::{
    api_disabled, audience_not_admitted, cluster_refused, condition_rejects_subject, first_party_audience,
    groups_overage, hop_failed, impersonation_not_granted, issuer_differs, issuer_keys_unusable,
    mapping_unusable, not_in_step_yet, project_number_differs, provider_not_live, refused_by_entra,
    repository_missing, repository_write_not_granted, service_account_down, subject_too_long,
    token_out_of_time,
};
use crate::finding::Finding;
use crate::port::PortError;

/// A refused exchange with all that could be seen around it.
pub(super) struct RefusedExchange<'a> {
    pub(super) walk: &'a Walk<'a>,
    pub(super) evidence: &'a Evidence,
    /// The claims of the token that was refused.
    pub(super) claims: Option<&'a Claims>,
    /// STS's own refusal; `None` if only the configuration was seen.
    pub(super) error: Option<&'a PortError>,
    /// Where and why the configuration refuses these claims, if both were seen and it does.
    pub(super) predicted: Option<Refusal>,
}

/// Takes the evidence or returns the question for it.
macro_rules! need {
    ($evidence:expr, $ask:expr) => {
        match &$evidence {
            Some(sight) => sight,
            None => return Verdict::Need($ask),
        }
    };
}

pub(super) fn first_token(walk: &Walk<'_>, evidence: &Evidence) -> Verdict {
    match need!(evidence.first_token, Ask::FirstToken) {
        Sight::Seen(token) => {
            if let Some(expired) = hop_failed::expired_first_token(walk, token) {
                return broken(expired);
            }
            let subject = token.claims.as_ref().and_then(Claims::subject);
            Verdict::Sound(subject.map_or_else(
                || token.source.clone(),
                |subject| format!("{}, subject {subject}", token.source),
            ))
        }
        Sight::Refused(error) => broken(hop_failed::first_token(error)),
        Sight::Unseen { why } => Verdict::Unseen(why.clone()),
    }
}

pub(super) fn entra_token(walk: &Walk<'_>, evidence: &Evidence) -> Verdict {
    let scope = format!("{}/.default", walk.bridge.identifier_uri());
    match need!(evidence.entra_token, Ask::EntraToken { scope }) {
        Sight::Seen(claims) => match groups_overage::check(walk, claims) {
            Some(finding) => broken(finding),
            None => Verdict::Sound(format!(
                "audience {}, issuer {}, subject {}",
                claims.audiences().join(", "),
                claims.issuer().unwrap_or("none"),
                claims.subject().unwrap_or("none")
            )),
        },
        Sight::Refused(error) => {
            let first_token = evidence.first_token.as_ref().and_then(Sight::seen);
            broken(refused_by_entra::name(&refused_by_entra::Case { walk, error, first_token }))
        }
        Sight::Unseen { why } => Verdict::Unseen(why.clone()),
    }
}

pub(super) fn exchange(walk: &Walk<'_>, evidence: &Evidence) -> Verdict {
    let (pool, provider) = (walk.bridge.federation.pool.clone(), walk.bridge.federation.provider.clone());
    let project = walk.bridge.google.project.clone();
    let attempt = need!(evidence.exchange, Ask::Exchange { pool: pool.clone(), provider: provider.clone() });
    if attempt.seen().is_some() {
        if let Some(finding) = first_party_audience::passed(walk, evidence) {
            return broken(finding);
        }
        return Verdict::Sound(format!("pool {pool}, provider {provider}"));
    }
    let pool_seen = need!(evidence.pool, Ask::Pool { project: project.clone(), pool: pool.clone() });
    let provider_seen = need!(evidence.provider, Ask::Provider { project, pool, provider });
    let claims = evidence.entra_token.as_ref().and_then(Sight::seen);
    let pool = pool_seen.seen().cloned().unwrap_or_default();
    let predicted = provider_seen
        .seen()
        .zip(claims)
        .and_then(|(provider, claims)| trust::provider::exchange(&pool, provider, claims, walk.now).err());
    let case = RefusedExchange { walk, evidence, claims, error: attempt.refusal(), predicted };
    match attempt {
        // Nothing was tried, and what can be seen would let the token pass.
        Sight::Unseen { why } if case.predicted.is_none() => Verdict::Unseen(why.clone()),
        _ => broken(name_exchange(&case)),
    }
}

fn name_exchange(case: &RefusedExchange<'_>) -> Finding {
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
        |case| api_disabled::check(case.walk, case.error?),
    ];
    CHECKS.iter().find_map(|check| check(case)).unwrap_or_else(|| hop_failed::exchange(case))
}

pub(super) fn impersonation(walk: &Walk<'_>, evidence: &Evidence) -> Verdict {
    let service_account = walk.bridge.service_account_email(&walk.team.name);
    let ask = Ask::Impersonation { service_account: service_account.clone() };
    let error = match need!(evidence.impersonation, ask) {
        Sight::Seen(()) => return Verdict::Sound(service_account),
        Sight::Unseen { why } => return Verdict::Unseen(why.clone()),
        Sight::Refused(error) => error,
    };
    if let Some(finding) = api_disabled::check(walk, error) {
        return broken(finding);
    }
    let project = walk.bridge.google.project.clone();
    let ask = Ask::ServiceAccount { project: project.clone(), service_account: service_account.clone() };
    need!(evidence.service_account, ask);
    let policy =
        need!(evidence.service_account_policy, Ask::ServiceAccountPolicy { project, service_account });
    let known = service_account_down::check(walk, evidence, error, policy);
    let known = known.or_else(|| impersonation_not_granted::check(walk, evidence, error, policy));
    broken(known.unwrap_or_else(|| hop_failed::impersonation(walk, error)))
}

pub(super) fn registry(walk: &Walk<'_>, evidence: &Evidence) -> Verdict {
    let google = &walk.bridge.google;
    let named = walk.bridge.repository_of(walk.team);
    let place = || (google.project.clone(), google.region().to_owned(), named.to_owned());
    let (project, location, repository) = place();
    let error = match need!(evidence.upload, Ask::Upload { project, location, repository }) {
        Sight::Seen(()) => return Verdict::Sound(format!("may upload to {named}")),
        Sight::Unseen { why } => return Verdict::Unseen(why.clone()),
        Sight::Refused(error) => error,
    };
    if let Some(finding) = api_disabled::check(walk, error) {
        return broken(finding);
    }
    let (project, location, repository) = place();
    let policy = need!(evidence.repository_policy, Ask::RepositoryPolicy { project, location, repository });
    let known = repository_missing::check(walk, error, policy);
    let known = known.or_else(|| repository_write_not_granted::check(walk, evidence, error, policy));
    broken(known.unwrap_or_else(|| hop_failed::registry(walk, error)))
}

pub(super) fn cluster(walk: &Walk<'_>, evidence: &Evidence) -> Verdict {
    let google = &walk.bridge.google;
    let namespace = walk.team.namespace.clone();
    let ask = Ask::Cluster {
        project: google.project.clone(),
        location: google.location.clone(),
        cluster: google.cluster.clone(),
        namespace: namespace.clone(),
        service_account: walk.bridge.service_account_email(&walk.team.name),
    };
    let error = match need!(evidence.cluster, ask) {
        Sight::Seen(()) => return Verdict::Sound(format!("{}, namespace {namespace}", google.cluster)),
        Sight::Unseen { why } => return Verdict::Unseen(why.clone()),
        Sight::Refused(error) => error,
    };
    let known = api_disabled::check(walk, error).or_else(|| cluster_refused::not_found(walk, error));
    if let Some(finding) = known {
        return broken(finding);
    }
    let project = google.project.clone();
    if cluster_refused::at_the_door(error) {
        let policy = need!(evidence.project_policy, Ask::ProjectPolicy { project });
        return broken(cluster_refused::get_not_granted(walk, error, policy));
    }
    if cluster_refused::inside(error) {
        let (location, cluster) = (google.location.clone(), google.cluster.clone());
        let space = need!(evidence.space, Ask::Space { project, location, cluster, namespace });
        return broken(cluster_refused::by_rbac(walk, error, space));
    }
    broken(hop_failed::cluster(walk, error))
}

fn broken(finding: Finding) -> Verdict {
    Verdict::Broken(Box::new(finding))
}
