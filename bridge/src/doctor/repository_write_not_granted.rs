//! The caller came across, but may not upload to the repository.

use trust::iam::Policy;

use super::caller::{Caller, Declared, confidence, members};
use super::evidence::unseen;
use super::member_differs::{self, Place};
use super::{Evidence, Sight, Walk, not_in_step_yet};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};
use crate::spec::{Bridge, Right};

const ROLE: &str = "roles/artifactregistry.writer";
const PERMISSION: &str = "artifactregistry.repositories.uploadArtifacts";

pub(super) fn check(
    walk: &Walk<'_>,
    evidence: &Evidence,
    error: &PortError,
    policy: &Sight<Policy>,
) -> Option<Finding> {
    if error.kind != Refused::Denied {
        return None;
    }
    let caller = Caller::new(walk, evidence);
    let repository = walk.bridge.repository_of(walk.team);
    let finding = Finding::new(
        "google/repository-write-not-granted",
        cause::GRANT_MISSING,
        format!("{} may not upload to repository `{repository}`", caller.name()),
    );
    let finding = match policy {
        Sight::Seen(policy) => {
            let decision = caller.decide(repository, policy, PERMISSION);
            if decision.as_ref().is_some_and(|it| it.allowed) {
                let what = format!("the grant on repository `{repository}`");
                return Some(not_in_step_yet::grant(walk, error, &what));
            }
            let near = member_differs::check(walk, &caller, policy, &place(walk));
            if near.is_some() {
                return near;
            }
            finding
                .found(members(policy, ROLE), format!("members of {ROLE} on {repository}"))
                .confidence(decision.as_ref().map_or(Confidence::Likely, confidence))
        }
        Sight::Refused(_) | Sight::Unseen { .. } => finding
            .found(&error.message, "Artifact Registry")
            .confidence(Confidence::Likely)
            .advice(unseen("the repository's policy", Some(policy), "roles/iam.securityReviewer")),
    };
    Some(mend(finding, walk, &caller))
}

fn place(walk: &Walk<'_>) -> Place {
    let google = &walk.bridge.google;
    let repository = walk.bridge.repository_of(walk.team);
    Place {
        role: ROLE,
        named: format!("repository `{repository}`"),
        remove: format!(
            "gcloud artifacts repositories remove-iam-policy-binding {repository} --project={} --location={} --role={ROLE}",
            google.project,
            google.region()
        ),
        right: Bridge::push_for(walk.team),
    }
}

fn mend(finding: Finding, walk: &Walk<'_>, caller: &Caller<'_>) -> Finding {
    let google = &walk.bridge.google;
    let file = "bridge.yaml, `identities`";
    let push = Bridge::push_for(walk.team);
    let push_named = match &push {
        Right::PushFor(team) => format!("push:{team}"),
        _ => "push".to_owned(),
    };
    match caller.declared(|right| *right == push) {
        Declared::Has { identity, member } => {
            let command = format!(
                "gcloud artifacts repositories add-iam-policy-binding {} --project={} --location={} --role={ROLE} \
                 --member='{member}'",
                walk.bridge.repository_of(walk.team),
                google.project,
                google.region()
            );
            finding
                .expected(member, format!("{file}: `{}` may push", identity.name))
                .mend("give what the bridge declares", "gangplank apply")
                .mend("or give that one grant, on this repository alone", command)
                .advice("a new grant takes two to seven minutes to count")
        }
        Declared::RoleNotInToken { identity, role } => finding
            .expected(
                format!("a token with the role `{role}`"),
                format!("{file}: `{}` may push", identity.name),
            )
            .mend("assign the role", "gangplank apply")
            .advice("then get a new token; a managed identity's can be a day old"),
        Declared::Lacks { identity } => Finding { cause: cause::WRONG_IDENTITY, ..finding }.advice(format!(
            "the bridge declares this caller as `{}` without `{push_named}`, so the refusal is right; if it should push, add that \
             right to it and run `gangplank apply`",
            identity.name
        )),
        Declared::Nobody => Finding { cause: cause::WRONG_IDENTITY, ..finding }.advice(format!(
            "the bridge does not declare this caller, so the refusal is right; if it should push, declare it with \
             `{push_named}` and run `gangplank apply`"
        )),
    }
}
