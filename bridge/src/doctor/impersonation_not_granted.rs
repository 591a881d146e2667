//! The caller came across, but may not act as the service account.

use trust::iam::{Decision, Policy};

use super::caller::{Caller, Declared, confidence, members};
use super::chain::Chain;
use super::evidence::unseen;
use super::member_differs::{self, Place};
use super::{Evidence, Sight, Thing, not_in_step_yet};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};
use crate::spec::Right;

const ROLE: &str = "roles/iam.workloadIdentityUser";
const PERMISSION: &str = "iam.serviceAccounts.getAccessToken";

/// The roles that let somebody act as a service account.
const ACTING: [&str; 2] = [ROLE, "roles/iam.serviceAccountTokenCreator"];

/// Of an attempt that was refused; or of none, where the policy alone says that it would be.
pub(super) fn check(
    chain: &Chain<'_>,
    evidence: &Evidence,
    error: Option<&PortError>,
    policy: &Sight<Policy>,
) -> Option<Finding> {
    if error.is_some_and(|error| error.kind != Refused::Denied) {
        return None;
    }
    let caller = Caller::new(chain, evidence);
    let account = chain.account();
    let Some(seen) = policy.seen() else { return by_words(chain, &caller, error?, policy) };
    let decision = decide(chain, evidence, &caller, seen);
    if decision.as_ref().is_some_and(|it| it.allowed) {
        let what = format!("the grant on `{account}`");
        return error.map(|error| not_in_step_yet::grant(chain, error, &what));
    }
    let place = place(chain, &account);
    let near = member_differs::check(chain, evidence, &caller, seen, &place);
    if near.is_some() {
        return near;
    }
    // Of a caller who is not known it can be said that nobody may, and no more.
    let nobody = members(seen, place.roles) == "nobody";
    if decision.is_none() && chain.way().is_none() && !(nobody && error.is_some()) {
        return None;
    }
    let sure = decision.as_ref().map_or(Confidence::Likely, confidence);
    let origin = evidence.places.bindings(Thing::ServiceAccountPolicy);
    let finding = finding(&caller, &account).confidence(sure).found(
        members(seen, place.roles),
        origin.unwrap_or_else(|| format!("members of {ROLE} on {account}")),
    );
    Some(mend(finding, chain, &caller, &place))
}

fn finding(caller: &Caller<'_>, account: &str) -> Finding {
    Finding::new(
        "google/impersonation-not-granted",
        cause::GRANT_MISSING,
        format!("{} may not act as `{account}`", caller.name()),
    )
}

/// A grant on the project counts as well, where it can be seen and nobody tried.
fn decide(chain: &Chain<'_>, evidence: &Evidence, caller: &Caller<'_>, policy: &Policy) -> Option<Decision> {
    let account = chain.account();
    let mut layers = vec![(account.as_str(), policy)];
    let above = evidence.project_policy.as_ref().and_then(Sight::seen);
    if let Some(above) = above.filter(|_| chain.way().is_none()) {
        layers.push(("the project", above));
    }
    caller.decide(&layers, PERMISSION)
}

fn by_words(
    chain: &Chain<'_>,
    caller: &Caller<'_>,
    error: &PortError,
    policy: &Sight<Policy>,
) -> Option<Finding> {
    // Where nothing is declared, the words have too many causes to name one.
    chain.way()?;
    let account = chain.account();
    let finding = finding(caller, &account)
        .found(&error.message, "Google's IAM credentials service")
        .confidence(Confidence::Likely)
        .advice(unseen("the account's policy", Some(policy), "roles/iam.securityReviewer"));
    Some(mend(finding, chain, caller, &place(chain, &account)))
}

fn place(chain: &Chain<'_>, account: &str) -> Place {
    let command = |verb: &str| {
        let project = chain.in_project();
        format!("gcloud iam service-accounts {verb}-iam-policy-binding {account}{project}")
    };
    Place {
        thing: Thing::ServiceAccountPolicy,
        roles: if chain.way().is_some() { &[ROLE] } else { &ACTING },
        named: format!("`{account}`"),
        give: command("add"),
        remove: command("remove"),
        right: chain.way().map(|way| Right::Deploy(way.team.name.clone())),
    }
}

fn mend(finding: Finding, chain: &Chain<'_>, caller: &Caller<'_>, place: &Place) -> Finding {
    let team = chain.way().map_or("", |way| &way.team.name);
    let file = "bridge.yaml, `identities`";
    let give = |member: &str| format!("{} --role={ROLE} --member='{member}'", place.give);
    match caller.declared(|right| matches!(right, Right::Deploy(name) if name == team)) {
        Declared::Has { identity, member } => finding
            .expected(&member, format!("{file}: `{}` may deploy:{team}", identity.name))
            .mend("give what the bridge declares", "gangplank apply")
            .mend("or give that one grant", give(&member))
            .advice("a new grant takes two to seven minutes to count"),
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
        Declared::Unstated => {
            let unknown = || "principalSet://iam.googleapis.com/POOL/attribute.NAME/VALUE".to_owned();
            let member = caller.principal().map_or_else(unknown, |it| it.principal_string());
            finding
                .expected(&member, format!("members of {ROLE} on {}", place.named))
                .mend("give this one grant", give(&member))
                .advice("a new grant takes two to seven minutes to count")
                .advice("roles that the account has on other things do not let anybody act as it")
        }
    }
}
