//! The cluster refuses the team's service account: at Google's door (IAM on the cluster object) or inside (RBAC).

use trust::iam::Policy;
use trust::rbac::RoleBinding;

use super::evidence::{Space, is_absent, unseen};
use super::{Sight, Way};
use crate::convention::{DEPLOYER, service_account_id};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};

const VIEWER: &str = "roles/container.clusterViewer";

/// Whether Google refused to look the cluster up.
pub(super) fn at_the_door(error: &PortError) -> bool {
    error.message.contains("container.clusters.get")
}

/// Whether RBAC refused.
pub(super) fn inside(error: &PortError) -> bool {
    error.message.contains("is forbidden")
}

/// The cluster is not where the bridge file says.
pub(super) fn not_found(way: &Way<'_>, error: &PortError) -> Option<Finding> {
    if error.kind != Refused::NotFound || error.service != "Kubernetes Engine" {
        return None;
    }
    let google = &way.bridge.google;
    let finding = Finding::new(
        "google/cluster-not-found",
        cause::OBJECT_MISSING,
        format!("there is no cluster `{}` in `{}`", google.cluster, google.location),
    )
    .expected("a cluster of this name in this place", "bridge.yaml, `google.cluster` and `google.location`")
    .found(&error.message, error.service)
    .look(
        "see which clusters there are, and where",
        format!("gcloud container clusters list --project={}", google.project),
    )
    .advice("correct `google.cluster` or `google.location`: a zone is not its region");
    Some(finding)
}

/// No grant lets the account look the cluster up; or it is given to an account of the same name that is gone.
pub(super) fn get_not_granted(way: &Way<'_>, error: &PortError, policy: &Sight<Policy>) -> Finding {
    let google = &way.bridge.google;
    let email = way.bridge.service_account_email(&way.team.name);
    let member = format!("serviceAccount:{email}");
    let give = format!(
        "gcloud projects add-iam-policy-binding {} --role={VIEWER} --member='{member}' --condition=None",
        google.project
    );
    let ghost = policy.seen().and_then(|policy| ghost_of(policy, &member));
    let (code, cause, summary) = match ghost {
        Some(_) => (
            "google/grant-names-a-ghost",
            cause::OBJECT_MISSING,
            format!(
                "the grant of `{VIEWER}` is for the deleted account that had the name `{}` before",
                service_account_id(&way.team.name)
            ),
        ),
        None => (
            "google/cluster-get-not-granted",
            cause::GRANT_MISSING,
            format!("`{email}` may not look cluster `{}` up", google.cluster),
        ),
    };
    let finding = Finding::new(code, cause, summary)
        .expected(&member, "the bridge: every team's account may look the cluster up");
    let finding = match (policy, ghost) {
        (_, Some(ghost)) => {
            finding.found(ghost, format!("members of {VIEWER} on project `{}`", google.project))
        }
        (Sight::Seen(policy), None) => finding.found(
            super::caller::members(policy, &[VIEWER]),
            format!("members of {VIEWER} on project `{}`", google.project),
        ),
        _ => finding.confidence(Confidence::Likely).found(&error.message, error.service).advice(unseen(
            "the project's policy",
            Some(policy),
            "roles/iam.securityReviewer",
        )),
    };
    finding
        .mend("give what the bridge declares", "gangplank apply")
        .mend("or let it look the cluster up, which gives nothing inside", give)
}

fn ghost_of<'p>(policy: &'p Policy, member: &str) -> Option<&'p str> {
    let start = format!("deleted:{member}?uid=");
    let bindings = policy.bindings.iter().filter(|it| it.role == VIEWER);
    bindings.flat_map(|it| &it.members).map(String::as_str).find(|it| it.starts_with(&start))
}

/// RBAC lets the account do nothing in the team's namespace.
pub(super) fn by_rbac(way: &Way<'_>, error: &PortError, space: &Sight<Space>) -> Finding {
    if let Some(number) = numeric_user(error) {
        return user_is_a_number(way, error, number);
    }
    let namespace = &way.team.namespace;
    if is_absent(space) {
        return Finding::new(
            "kubernetes/namespace-missing",
            cause::OBJECT_MISSING,
            format!("the cluster has no namespace `{namespace}`"),
        )
        .expected(namespace.clone(), format!("the bridge, team `{}`", way.team.name))
        .found("no such namespace", "the API server")
        .mend("make it as the bridge declares", "gangplank apply");
    }
    let email = way.bridge.service_account_email(&way.team.name);
    let ours = space.seen().and_then(|it| it.bindings.iter().find(|it| it.metadata.name == DEPLOYER));
    if let Some(binding) = ours.filter(|it| !names(it, &email)) {
        return binding_names_another(way, binding, &email);
    }
    let finding = Finding::new(
        "kubernetes/namespace-not-granted",
        cause::GRANT_MISSING,
        format!("`{email}` may not deploy in namespace `{namespace}`"),
    )
    .expected(
        format!("a RoleBinding `{DEPLOYER}` for it"),
        "the bridge: every team's account deploys in its namespace",
    );
    let finding = match space.seen() {
        Some(_) if ours.is_some() => finding
            .confidence(Confidence::Likely)
            .found("the binding is there, and its role does not reach", "the API server"),
        Some(space) => finding.found(bindings(space), format!("RoleBindings in `{namespace}`")),
        None => finding.confidence(Confidence::Likely).found(&error.message, error.service).advice(unseen(
            "the namespace's RoleBindings",
            Some(space),
            "roles/container.viewer",
        )),
    };
    finding
        .mend("put role and binding back as the bridge declares them", "gangplank apply")
        .mend(
            "or the binding alone",
            format!("kubectl create rolebinding {DEPLOYER} --namespace={namespace} --role={DEPLOYER} --user={email}"),
        )
        .advice("do not give the account roles/container.developer: it counts in every namespace, whatever RBAC says")
}

fn bindings(space: &Space) -> String {
    let all: Vec<&str> = space.bindings.iter().map(|it| it.metadata.name.as_str()).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn names(binding: &RoleBinding, email: &str) -> bool {
    binding.subjects.iter().any(|it| it.kind == "User" && it.name == email)
}

fn binding_names_another(way: &Way<'_>, binding: &RoleBinding, email: &str) -> Finding {
    let subjects: Vec<String> =
        binding.subjects.iter().map(|it| format!("{} {}", it.kind, it.name)).collect();
    let found = if subjects.is_empty() { "nobody".to_owned() } else { subjects.join(", ") };
    Finding::new(
        "kubernetes/binding-names-another",
        cause::RBAC_SUBJECT,
        format!("RoleBinding `{DEPLOYER}` in namespace `{}` names somebody else", way.team.namespace),
    )
    .expected(format!("User {email}"), "the user that the API server sees: the account's e-mail address")
    .found(found, format!("RoleBinding `{DEPLOYER}`, `subjects`"))
    .mend("put the binding back as the bridge declares it", "gangplank apply")
    .advice("a Google service account is a `User` in the cluster, by its e-mail address in small letters; a `ServiceAccount` is one of the cluster's own")
}

/// The user of the refusal, if it is a number.
fn numeric_user(error: &PortError) -> Option<&str> {
    let user = error.message.split("User \"").nth(1)?.split('"').next()?;
    (!user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit())).then_some(user)
}

/// The API server sees an account by its number where the token lacks a scope.
fn user_is_a_number(way: &Way<'_>, error: &PortError, number: &str) -> Finding {
    Finding::new(
        "kubernetes/user-is-a-number",
        cause::SCOPE,
        "the token does not say the account's e-mail address, so the cluster sees a number that no binding names",
    )
    .confidence(if error.status.is_some() { Confidence::Certain } else { Confidence::Likely })
    .expected(format!("User {}", way.bridge.service_account_email(&way.team.name)), "the bridge")
    .found(format!("User {number}"), "the API server's refusal")
    .advice(
        "ask for the token with the scope `https://www.googleapis.com/auth/userinfo.email` besides `cloud-platform`; the \
         number is the account's unique id",
    )
}
