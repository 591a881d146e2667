//! Looking at each hop: what to ask for, and which checks to put to a refusal.

use trust::token::Claims;

use super::chain::{Chain, Way};
use super::{Ask, Evidence, Sight, Verdict};
use super::{
    api_disabled, assertion_out_of_time, cluster_refused, groups_overage, hop_failed,
    impersonation_not_granted, refused_by_entra, repository_missing, repository_write_not_granted,
    service_account_down,
};
use crate::finding::Finding;

/// Takes the evidence or returns the question for it.
macro_rules! need {
    ($evidence:expr, $ask:expr) => {
        match &$evidence {
            Some(sight) => sight,
            None => return Verdict::Need($ask),
        }
    };
}

pub(super) fn first_token(chain: &Chain<'_>, evidence: &Evidence) -> Verdict {
    match need!(evidence.first_token, Ask::FirstToken) {
        Sight::Seen(token) => {
            if let Some(expired) = assertion_out_of_time::by_the_clock(chain, evidence, token) {
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

pub(super) fn entra_token(chain: &Chain<'_>, evidence: &Evidence) -> Verdict {
    let scope =
        chain.way().map_or_else(String::new, |way| format!("{}/.default", way.bridge.identifier_uri()));
    match need!(evidence.entra_token, Ask::EntraToken { scope }) {
        Sight::Seen(claims) => match chain.way().and_then(|way| groups_overage::check(way, claims)) {
            Some(finding) => broken(finding),
            None => Verdict::Sound(format!(
                "audience {}, issuer {}, subject {}",
                claims.audiences().join(", "),
                claims.issuer().unwrap_or("none"),
                claims.subject().unwrap_or("none")
            )),
        },
        Sight::Refused(error) => {
            broken(refused_by_entra::name(&refused_by_entra::Case { chain, evidence, error }))
        }
        Sight::Unseen { why } => Verdict::Unseen(why.clone()),
    }
}

pub(super) fn impersonation(chain: &Chain<'_>, evidence: &Evidence) -> Verdict {
    let (service_account, project) = (chain.account(), chain.project().to_owned());
    let ask = Ask::Impersonation { service_account: service_account.clone() };
    let attempt = need!(evidence.impersonation, ask);
    if attempt.seen().is_some() {
        return Verdict::Sound(service_account);
    }
    let error = attempt.refusal();
    if let Some(finding) = error.and_then(|error| api_disabled::check(chain, evidence, error)) {
        return broken(finding);
    }
    let ask = Ask::ServiceAccount { project: project.clone(), service_account: service_account.clone() };
    need!(evidence.service_account, ask);
    let policy =
        need!(evidence.service_account_policy, Ask::ServiceAccountPolicy { project, service_account });
    let known = service_account_down::check(chain, evidence, error, policy)
        .or_else(|| impersonation_not_granted::check(chain, evidence, error, policy));
    match (known, attempt) {
        (Some(finding), _) => broken(finding),
        (None, Sight::Refused(error)) => broken(hop_failed::impersonation(chain, error)),
        (None, Sight::Unseen { why }) => Verdict::Unseen(why.clone()),
        (None, Sight::Seen(())) => Verdict::Sound(chain.account()),
    }
}

pub(super) fn registry(way: &Way<'_>, evidence: &Evidence) -> Verdict {
    let google = &way.bridge.google;
    let named = way.bridge.repository_of(way.team);
    let place = || (google.project.clone(), google.region().to_owned(), named.to_owned());
    let (project, location, repository) = place();
    let error = match need!(evidence.upload, Ask::Upload { project, location, repository }) {
        Sight::Seen(()) => return Verdict::Sound(format!("may upload to {named}")),
        Sight::Unseen { why } => return Verdict::Unseen(why.clone()),
        Sight::Refused(error) => error,
    };
    if let Some(finding) = api_disabled::check(&Chain::Declared(*way), evidence, error) {
        return broken(finding);
    }
    let (project, location, repository) = place();
    let policy = need!(evidence.repository_policy, Ask::RepositoryPolicy { project, location, repository });
    let known = repository_missing::check(way, error, policy);
    let known = known.or_else(|| repository_write_not_granted::check(way, evidence, error, policy));
    broken(known.unwrap_or_else(|| hop_failed::registry(way, error)))
}

pub(super) fn cluster(way: &Way<'_>, evidence: &Evidence) -> Verdict {
    let google = &way.bridge.google;
    let namespace = way.team.namespace.clone();
    let ask = Ask::Cluster {
        project: google.project.clone(),
        location: google.location.clone(),
        cluster: google.cluster.clone(),
        namespace: namespace.clone(),
        service_account: way.bridge.service_account_email(&way.team.name),
    };
    let error = match need!(evidence.cluster, ask) {
        Sight::Seen(()) => return Verdict::Sound(format!("{}, namespace {namespace}", google.cluster)),
        Sight::Unseen { why } => return Verdict::Unseen(why.clone()),
        Sight::Refused(error) => error,
    };
    let known = api_disabled::check(&Chain::Declared(*way), evidence, error)
        .or_else(|| cluster_refused::not_found(way, error));
    if let Some(finding) = known {
        return broken(finding);
    }
    let project = google.project.clone();
    if cluster_refused::at_the_door(error) {
        let policy = need!(evidence.project_policy, Ask::ProjectPolicy { project });
        return broken(cluster_refused::get_not_granted(way, error, policy));
    }
    if cluster_refused::inside(error) {
        let (location, cluster) = (google.location.clone(), google.cluster.clone());
        let space = need!(evidence.space, Ask::Space { project, location, cluster, namespace });
        return broken(cluster_refused::by_rbac(way, error, space));
    }
    broken(hop_failed::cluster(way, error))
}

fn broken(finding: Finding) -> Verdict {
    Verdict::Broken(Box::new(finding))
}
