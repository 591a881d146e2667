//! Our application lets in only whom it is assigned to, and the caller is not.

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    // Of a person Entra says it with a code of its own.
    let person = refused.code(&["AADSTS501051", "AADSTS50105"])? == "AADSTS50105";
    let declared = if person {
        "name this person in the `people` of an `appRole` identity, or a group that she is in herself in its `groups`"
    } else {
        "a caller that is declared by its service principal alone holds no role, so name it in an `appRole` identity's \
         `members`"
    };
    let own = refused.resource();
    let finding = refused
        .finding(
            "azure/assignment-required",
            cause::GRANT_MISSING,
            format!("{own} requires an assignment, and the caller has none"),
        )
        .expected(
            "an app role of the application",
            "the application's service principal, `appRoleAssignedTo`",
        )
        .mend(refused.of_a_bridge("give the roles that it declares"), "gangplank apply")
        .advice(format!("if the bridge does not declare this caller, turning it away is right; {declared}"));
    Some(finding)
}
