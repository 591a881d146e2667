//! Azure's resource manager refuses an action, and no assignment that was seen gives it to the caller.

use super::super::case::Case;
use super::super::words;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    if !case.says(&["does not have authorization to perform action"]) {
        return None;
    }
    let who = words::quoted_after(&case.said, "with object id")
        .or_else(|| words::quoted_after(&case.said, "The client"))?;
    let action = words::quoted_after(&case.said, "perform action")?;
    let scope = words::quoted_after(&case.said, "over scope").unwrap_or("the scope");
    let all: Vec<&Exhibit> =
        case.of(Kind::RoleAssignment).filter(|it| it.text("/principalId") == Some(who)).collect();
    if scope.ends_with(' ') {
        return Some(
            Finding::new(
                "azure/scope-malformed",
                cause::RESOURCE_NAME,
                "the scope that is asked about ends in a space",
            )
            .expected(scope.trim_end(), "Azure's resource manager")
            .found(format!("`{scope}`"), case.said_in("over scope"))
            .advice("take the space out where the name of the workspace or resource group is set"),
        );
    }
    let seen = case.of(Kind::RoleAssignment).next().is_some() || case.none_of(Kind::RoleAssignment).is_some();
    let roles: Vec<&str> = all.iter().filter_map(|it| it.text("/roleDefinitionName")).collect();
    Some(
        Finding::new("azure/role-not-granted", cause::GRANT_MISSING, format!("{who} may not `{action}`"))
            .expected(format!("a role with {action} at {scope} or above"), "Azure's role assignments")
            .found(if roles.is_empty() { "no role that was seen".to_owned() } else { roles.join(", ") }, all.first().map_or_else(|| case.said_in("authorization"), |it| it.origin("/roleDefinitionName")))
            .confidence(if seen { Confidence::Certain } else { Confidence::Likely })
            .mend("give the narrowest role that holds it, at this scope", format!("az role assignment create --assignee-object-id {who} --role '{}' --scope {scope}", role(action)))
            .advice("see that this is the identity that was meant: a chain of log-ins takes the first that gives a token"),
    )
}

/// A narrow role for an action of Azure ML.
fn role(action: &str) -> &'static str {
    if action.contains("MachineLearningServices") && action.ends_with("/read") {
        "Reader"
    } else if action.contains("MachineLearningServices") {
        "AzureML Data Scientist"
    } else {
        "ROLE"
    }
}
