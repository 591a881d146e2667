//! The compute or endpoint has no such managed identity, or several and none is named.

use serde_json::Value;

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

const VARIABLES: [&str; 3] = ["AZURE_CLIENT_ID", "DEFAULT_IDENTITY_CLIENT_ID", "UAI_CLIENT_ID"];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needles = [
        "has not been assigned to this resource",
        "managedidentitycredential",
        "identity not found",
        "no managed identity",
        "managed identity",
    ];
    let needle = needles.iter().find(|needle| case.says(&[needle]))?;
    let machine = case.of(Kind::AzureIdentity).find(|it| it.get("/identity").is_some() || is_machine(it));
    let named = VARIABLES.iter().find_map(|name| Some((*name, case.variable(name)?)));
    let policies = case.of(Kind::RoleAssignment).next();
    let Some(machine) = machine else {
        return case.says(&["has not been assigned to this resource"]).then(|| by_words(case, needle));
    };
    let assigned = assigned(machine);
    let base = Finding::new("azure/identity-not-assigned", cause::WRONG_IDENTITY, summary(&assigned));
    match (&named, assigned.as_slice()) {
        (Some((_, (value, _))), all) if all.iter().any(|it| it.eq_ignore_ascii_case(value)) => {
            other_principal(case, machine, policies)
        }
        (Some((name, (value, origin))), all) => Some(mend(
            base.expected(
                if all.is_empty() { "an identity on the compute".to_owned() } else { all.join(", ") },
                machine.origin("/identity"),
            )
            .found(format!("{name}={value}"), origin),
        )),
        (None, []) if !has_system(machine) => Some(mend(
            base.expected("an identity", "the compute or endpoint")
                .found("none", machine.origin("/identity")),
        )),
        (None, []) => other_principal(case, machine, policies),
        (None, all) => {
            let finding = base
                .expected("AZURE_CLIENT_ID with the one that is meant", "the program's environment")
                .found(all.join(", "), machine.origin("/identity"));
            Some(mend(finding))
        }
    }
}

fn is_machine(exhibit: &Exhibit) -> bool {
    exhibit.text("/id").is_some_and(|id| {
        ["/computes/", "/onlineEndpoints/", "/batchEndpoints/", "/virtualMachines/"]
            .iter()
            .any(|it| id.contains(it))
    })
}

/// The client ids of the user-assigned identities; their names where these are not told.
fn assigned(machine: &Exhibit) -> Vec<String> {
    let pointers = ["/identity/userAssignedIdentities", "/identity/user_assigned_identities"];
    let found = pointers.into_iter().find_map(|at| machine.get(at));
    let one = |it: &Value, name: &str| {
        it.get("clientId")
            .or_else(|| it.get("client_id"))
            .and_then(Value::as_str)
            .map_or_else(|| name.to_owned(), str::to_owned)
    };
    match found {
        Some(Value::Object(all)) => {
            all.iter().map(|(id, it)| one(it, id.rsplit('/').next().unwrap_or(id))).collect()
        }
        Some(Value::Array(all)) => all
            .iter()
            .map(|it| one(it, it.get("resource_id").and_then(Value::as_str).unwrap_or("an identity")))
            .collect(),
        _ => Vec::new(),
    }
}

fn has_system(machine: &Exhibit) -> bool {
    machine
        .text("/identity/type")
        .is_some_and(|kind| kind.to_ascii_lowercase().replace('_', "").contains("systemassigned"))
}

fn summary(assigned: &[String]) -> String {
    match assigned.len() {
        0 => "the compute or endpoint has no such identity".to_owned(),
        1 => "the compute or endpoint has another identity than the program asks for".to_owned(),
        many => format!("the compute or endpoint has {many} identities, and the program does not say which"),
    }
}

/// The identity is there, and what it may do was given to another.
fn other_principal(case: &Case<'_>, machine: &Exhibit, first: Option<&Exhibit>) -> Option<Finding> {
    let pointers = ["/identity/principalId", "/identity/principal_id", "/principalId"];
    let (pointer, own) = pointers.into_iter().find_map(|at| Some((at, machine.text(at)?)))?;
    let first = first?;
    if case.of(Kind::RoleAssignment).any(|it| it.text("/principalId") == Some(own)) {
        return None;
    }
    Some(mend(
        Finding::new(
            "azure/other-identity",
            cause::WRONG_IDENTITY,
            "the right was given to another identity than the one that asks",
        )
        .expected(own, machine.origin(pointer))
        .found(first.text("/principalId").unwrap_or_default(), first.origin("/principalId")),
    ))
}

fn by_words(case: &Case<'_>, needle: &str) -> Finding {
    let finding = Finding::new(
        "azure/identity-not-assigned",
        cause::WRONG_IDENTITY,
        "the compute or endpoint has not the identity that is asked for",
    )
    .expected("an identity of the compute, by its client id", "the compute or endpoint, which was not given")
    .found("an identity that is not assigned to it", case.said_in(needle))
    .confidence(Confidence::Likely);
    mend(finding)
}

fn mend(finding: Finding) -> Finding {
    finding
        .advice("assign the identity to the compute or endpoint, and set AZURE_CLIENT_ID to its client id (on Azure ML's compute: DEFAULT_IDENTITY_CLIENT_ID)")
        .mend("see what it has", "az ml compute show --name COMPUTE --workspace-name WORKSPACE --resource-group RESOURCE_GROUP --query identity")
}
