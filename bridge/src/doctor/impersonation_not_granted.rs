//! The exchange went well, but the caller may not act as the team's service account.

use trust::iam::Policy;

use super::caller::{Caller, Declared, confidence, members};
use super::evidence::unseen;
use super::member_differs::{self, Place};
use super::{Evidence, Sight, Walk, not_in_step_yet};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};
use crate::spec::Right;

const ROLE: &str = "roles/iam.workloadIdentityUser";
const PERMISSION: &str = "iam.serviceAccounts.getAccessToken";

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
    let account = walk.bridge.service_account_email(&walk.team.name);
    let finding = Finding::new(
        "google/impersonation-not-granted",
        cause::GRANT_MISSING,
        format!("{} may not act as `{account}`", caller.name()),
    );
    let finding = match policy {
        Sight::Seen(policy) => {
            let decision = caller.decide(&account, policy, PERMISSION);
            if decision.as_ref().is_some_and(|it| it.allowed) {
                return Some(not_in_step_yet::grant(walk, error, &format!("the grant on `{account}`")));
            }
            let near = member_differs::check(walk, &caller, policy, &place(walk, &account));
            if near.is_some() {
                return near;
            }
            finding
                .found(members(policy, ROLE), format!("members of {ROLE} on {account}"))
                .confidence(decision.as_ref().map_or(Confidence::Likely, confidence))
        }
        Sight::Refused(_) | Sight::Unseen { .. } => finding
            .found(&error.message, "Google's IAM credentials service")
            .confidence(Confidence::Likely)
            .advice(unseen("the account's policy", Some(policy), "roles/iam.securityReviewer")),
    };
    Some(mend(finding, walk, &caller, &account))
}

fn place(walk: &Walk<'_>, account: &str) -> Place {
    Place {
        role: ROLE,
        named: format!("`{account}`"),
        remove: format!(
            "gcloud iam service-accounts remove-iam-policy-binding {account} --project={} --role={ROLE}",
            walk.bridge.google.project
        ),
        right: Right::Deploy(walk.team.name.clone()),
    }
}

fn mend(finding: Finding, walk: &Walk<'_>, caller: &Caller<'_>, account: &str) -> Finding {
    let team = &walk.team.name;
    let file = "bridge.yaml, `identities`";
    match caller.declared(|right| matches!(right, Right::Deploy(name) if name == team)) {
        Declared::Has { identity, member } => {
            let command = format!(
                "gcloud iam service-accounts add-iam-policy-binding {account} --project={} --role={ROLE} \
                 --member='{member}'",
                walk.bridge.google.project
            );
            finding
                .expected(member, format!("{file}: `{}` may deploy:{team}", identity.name))
                .mend("give what the bridge declares", "gangplank apply")
                .mend("or give that one grant", command)
                .advice("a new grant takes two to seven minutes to count")
        }
        Declared::RoleNotInToken { identity, role } => finding
            .expected(
                format!("a token with the role `{role}`"),
                format!("{file}: `{}` may deploy:{team}", identity.name),
            )
            .mend("assign the role", "gangplank apply")
            .advice("then get a new token; a managed identity's can be a day old"),
        Declared::Lacks { identity } => Finding { cause: cause::WRONG_IDENTITY, ..finding }.advice(format!(
            "the bridge declares this caller as `{}` without `deploy:{team}`, so the refusal is right; if it should \
             deploy, add that right to it and run `gangplank apply`",
            identity.name
        )),
        Declared::Nobody => Finding { cause: cause::WRONG_IDENTITY, ..finding }.advice(format!(
            "the bridge does not declare this caller, so the refusal is right; if it should deploy, declare it with \
             `deploy:{team}` and run `gangplank apply`"
        )),
    }
}
