//! The caller came across, but may not upload to the repository.

use trust::iam::Policy;

use super::caller::{Caller, Declared, confidence, members};
use super::chain::{Chain, Way};
use super::evidence::unseen;
use super::member_differs::{self, Place};
use super::{Evidence, Sight, Thing, not_in_step_yet};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};
use crate::spec::{Bridge, Right};

const ROLE: &str = "roles/artifactregistry.writer";
const PERMISSION: &str = "artifactregistry.repositories.uploadArtifacts";

pub(super) fn check(
    way: &Way<'_>,
    evidence: &Evidence,
    error: &PortError,
    policy: &Sight<Policy>,
) -> Option<Finding> {
    if error.kind != Refused::Denied {
        return None;
    }
    let chain = Chain::Declared(*way);
    let caller = Caller::new(&chain, evidence);
    let repository = way.bridge.repository_of(way.team);
    let finding = Finding::new(
        "google/repository-write-not-granted",
        cause::GRANT_MISSING,
        format!("{} may not upload to repository `{repository}`", caller.name()),
    );
    let finding = match policy {
        Sight::Seen(policy) => {
            let decision = caller.decide(&[(repository, policy)], PERMISSION);
            if decision.as_ref().is_some_and(|it| it.allowed) {
                let what = format!("the grant on repository `{repository}`");
                return Some(not_in_step_yet::grant(&chain, error, &what));
            }
            let near = member_differs::check(&chain, evidence, &caller, policy, &place(way));
            if near.is_some() {
                return near;
            }
            finding
                .found(members(policy, &[ROLE]), origin(evidence, repository))
                .confidence(decision.as_ref().map_or(Confidence::Likely, confidence))
        }
        Sight::Refused(_) | Sight::Unseen { .. } => finding
            .found(&error.message, "Artifact Registry")
            .confidence(Confidence::Likely)
            .advice(unseen("the repository's policy", Some(policy), "roles/iam.securityReviewer")),
    };
    Some(mend(finding, way, &caller))
}

fn origin(evidence: &Evidence, repository: &str) -> String {
    let read = evidence.places.bindings(Thing::RepositoryPolicy);
    read.unwrap_or_else(|| format!("members of {ROLE} on {repository}"))
}

fn place(way: &Way<'_>) -> Place {
    let google = &way.bridge.google;
    let repository = way.bridge.repository_of(way.team);
    let command = |verb: &str| {
        let (project, location) = (&google.project, google.region());
        format!(
            "gcloud artifacts repositories {verb}-iam-policy-binding {repository} --project={project} --location={location}"
        )
    };
    Place {
        thing: Thing::RepositoryPolicy,
        roles: &[ROLE],
        named: format!("repository `{repository}`"),
        give: command("add"),
        remove: command("remove"),
        right: Some(Bridge::push_for(way.team)),
    }
}

fn mend(finding: Finding, way: &Way<'_>, caller: &Caller<'_>) -> Finding {
    let file = "bridge.yaml, `identities`";
    let push = Bridge::push_for(way.team);
    let push_named = match &push {
        Right::PushFor(team) => format!("push:{team}"),
        _ => "push".to_owned(),
    };
    match caller.declared(|right| *right == push) {
        Declared::Has { identity, member } => {
            let command = format!("{} --role={ROLE} --member='{member}'", place(way).give);
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
        Declared::Unstated => finding,
        Declared::Nobody => Finding { cause: cause::WRONG_IDENTITY, ..finding }.advice(format!(
            "the bridge does not declare this caller, so the refusal is right; if it should push, declare it with \
             `{push_named}` and run `gangplank apply`"
        )),
    }
}
