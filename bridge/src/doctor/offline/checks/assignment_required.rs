//! The resource admits only whom it is assigned to, and the caller is not.

use super::super::case::Case;
use super::super::words;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let code = ["aadsts501051", "aadsts50105:"].into_iter().find(|code| case.says(&[code]))?;
    let person = words::quoted_after(&case.said, "signed in user");
    let who = person.or_else(|| words::quoted_after(&case.said, "Application")).unwrap_or("the caller");
    let finding = Finding::new(
        "azure/assignment-required",
        cause::GRANT_MISSING,
        format!("the application requires an assignment, and `{who}` has none"),
    )
    .expected("an app role of the application", "the application's service principal, `appRoleAssignedTo`")
    .found(format!("{}: not assigned", code.trim_end_matches(':').to_uppercase()), case.said_in(code))
    .confidence(Confidence::Likely)
    .mend("if a bridge declares this caller: give the roles that it declares", "gangplank apply");
    Some(finding.advice(if person.is_some() {
        "else name the person in the `people` of an `appRole` identity, or a group that she is in herself in its `groups`"
    } else {
        "else name the client id in the `members` of an `appRole` identity, or assign it to a role by hand"
    }))
}
