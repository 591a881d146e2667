//! The service account that is acted as is not there, or switched off.

use trust::iam::Policy;

use super::chain::Chain;
use super::evidence::is_absent;
use super::{Evidence, Sight, Thing};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};

pub(super) fn check(
    chain: &Chain<'_>,
    evidence: &Evidence,
    error: Option<&PortError>,
    policy: &Sight<Policy>,
) -> Option<Finding> {
    let account = evidence.service_account.as_ref();
    let gone = error.is_some_and(|error| error.kind == Refused::NotFound);
    if is_absent(policy) || account.is_some_and(is_absent) || gone {
        return Some(missing(chain, &chain.account()).found("no such service account", "Google IAM"));
    }
    let seen = account.and_then(|it| it.seen()).is_some_and(|it| it.disabled);
    let said = error.is_some_and(|error| error.message.contains("Service account is disabled"));
    let place =
        || evidence.place(Thing::ServiceAccount, "/disabled", format!("Google IAM, `{}`", chain.account()));
    (seen || said).then(|| {
        disabled(chain, &chain.account(), place()).confidence(if seen {
            Confidence::Certain
        } else {
            Confidence::Likely
        })
    })
}

/// That there is no such account, without what was found.
pub(super) fn missing(chain: &Chain<'_>, email: &str) -> Finding {
    let whose = if chain.way().is_some() { "the team's" } else { "the" };
    let finding = Finding::new(
        "google/service-account-missing",
        cause::OBJECT_MISSING,
        format!("{whose} service account `{email}` does not exist"),
    );
    let finding = match chain {
        Chain::Declared(way) => finding
            .expected(email, format!("the bridge, team `{}`", way.team.name))
            .mend("make it as the bridge declares, with its grants", "gangplank apply"),
        Chain::Shown(_) => {
            let (name, domain) = email.split_once('@').unwrap_or(("NAME", "PROJECT"));
            let project = domain.trim_end_matches(".iam.gserviceaccount.com");
            finding.expected(email, "the project's service accounts").mend(
                "make it first, then the pool, the provider, and the grants on it",
                format!("gcloud iam service-accounts create {name} --project={project}"),
            )
        }
    };
    finding.advice(
        "one that was deleted and is made anew under the same name is somebody else to Google: grants of the old one do not \
         count for it",
    )
}

/// That it is switched off.
pub(super) fn disabled(chain: &Chain<'_>, email: &str, place: String) -> Finding {
    let whose = if chain.way().is_some() { "the team's" } else { "the" };
    let name = email.split('@').next().unwrap_or(email);
    Finding::new(
        "google/service-account-disabled",
        cause::OBJECT_MISSING,
        format!("{whose} service account `{name}` is switched off"),
    )
    .expected(
        "a service account that is switched on",
        if chain.way().is_some() { "the bridge" } else { "Google IAM" },
    )
    .found("disabled", place)
    .mend("switch it on", format!("gcloud iam service-accounts enable {email}{}", chain.in_project()))
    .advice("it was switched off by somebody: ask why before it is switched on")
}
