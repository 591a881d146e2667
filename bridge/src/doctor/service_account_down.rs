//! The team's service account is not there, or switched off.

use trust::iam::Policy;

use super::evidence::is_absent;
use super::{Evidence, Sight, Walk};
use crate::convention::service_account_id;
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};

pub(super) fn check(
    walk: &Walk<'_>,
    evidence: &Evidence,
    error: &PortError,
    policy: &Sight<Policy>,
) -> Option<Finding> {
    let account = evidence.service_account.as_ref();
    let missing = is_absent(policy) || account.is_some_and(is_absent) || error.kind == Refused::NotFound;
    if missing {
        return Some(missing_account(walk));
    }
    let seen = account.and_then(|it| it.seen()).is_some_and(|it| it.disabled);
    let said = error.message.contains("Service account is disabled");
    (seen || said).then(|| disabled_account(walk, seen))
}

fn missing_account(walk: &Walk<'_>) -> Finding {
    let email = walk.bridge.service_account_email(&walk.team.name);
    Finding::new(
        "google/service-account-missing",
        cause::OBJECT_MISSING,
        format!("the team's service account `{email}` does not exist"),
    )
    .expected(email, format!("the bridge, team `{}`", walk.team.name))
    .found("no such service account", "Google IAM")
    .mend("make it as the bridge declares, with its grants", "gangplank apply")
    .advice(
        "one that was deleted and is made anew under the same name is somebody else to Google: grants of the old one do not \
         count for it",
    )
}

fn disabled_account(walk: &Walk<'_>, seen: bool) -> Finding {
    let (email, project) = (walk.bridge.service_account_email(&walk.team.name), &walk.bridge.google.project);
    Finding::new(
        "google/service-account-disabled",
        cause::OBJECT_MISSING,
        format!("the team's service account `{}` is switched off", service_account_id(&walk.team.name)),
    )
    .confidence(if seen { Confidence::Certain } else { Confidence::Likely })
    .expected("a service account that is switched on", "the bridge")
    .found("disabled", format!("Google IAM, `{email}`"))
    .mend("switch it on", format!("gcloud iam service-accounts enable {email} --project={project}"))
    .advice("it was switched off by somebody: ask why before it is switched on")
}
