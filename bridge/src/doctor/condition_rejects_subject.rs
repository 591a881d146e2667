//! The provider's attribute condition does not hold for the token.

use trust::provider::Stage;

use super::caller::{Caller, Declared};
use super::evidence::unseen;
use super::hops::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted.as_ref().filter(|it| it.stage == Stage::Condition);
    let said = case.predicted.is_none()
        && case.error.is_some_and(|error| error.message.contains("rejected by the attribute condition"));
    if seen.is_none() && !said {
        return None;
    }
    let caller = Caller::new(case.walk, case.evidence);
    let finding = Finding::new(
        "google/condition-rejects-subject",
        cause::LITERAL_MISMATCH,
        format!(
            "provider `{}` admits others, but not {}",
            case.walk.bridge.federation.provider,
            caller.name()
        ),
    )
    .found(compared(case), "claims of the Entra token");
    let finding = match seen {
        Some(refusal) => finding
            .expected(&refusal.expected, "provider, `attributeCondition`")
            .advice(format!("of the condition, this is false: {}", refusal.found)),
        None => finding.confidence(Confidence::Likely).advice(unseen(
            "the provider",
            case.evidence.provider.as_ref(),
            "roles/iam.workloadIdentityPoolViewer",
        )),
    };
    Some(mend(finding, &caller))
}

/// The claims that a condition of ours compares.
fn compared(case: &RefusedExchange<'_>) -> String {
    let Some(claims) = case.claims else { return "not seen".to_owned() };
    let one = |name: &str| Some(format!("{name} = {}", claims.text(name)?));
    let many = |name: &str| {
        let values = claims.texts(name);
        (!values.is_empty()).then(|| format!("{name} = [{}]", values.join(", ")))
    };
    let shown: Vec<String> =
        [one("sub"), one("tid"), many("roles"), many("groups")].into_iter().flatten().collect();
    if shown.is_empty() { "none of `sub`, `tid`, `roles`, `groups`".to_owned() } else { shown.join(", ") }
}

fn mend(finding: Finding, caller: &Caller<'_>) -> Finding {
    match caller.declared(|_| true) {
        Declared::Has { identity, .. } | Declared::Lacks { identity } => finding.mend(
            format!("the bridge declares this caller as `{}`: put the condition back", identity.name),
            "gangplank apply",
        ),
        Declared::RoleNotInToken { identity, role } => finding
            .mend(
                format!("the bridge gives this caller the role `{role}` as `{}`, and the token lacks it: assign it", identity.name),
                "gangplank apply",
            )
            .advice("a token issued before the assignment never gets the role: get a new one; a managed identity's can be a day old"),
        Declared::Nobody => Finding { cause: cause::WRONG_IDENTITY, ..finding }
            .advice(
                "the bridge does not declare this caller, so turning it away is right; if it should come across, add it \
                 below `identities` with the rights it needs",
            )
            .mend("and then bring the condition in step", "gangplank apply"),
    }
}
