//! What a world forbids: the organisation's constraints, APIs that are off, Conditional Access. No API that the sandbox
//! plays sets these, so they are set directly.

use super::{directory, file};
use crate::google::{API_HOSTS, Constraint};
use crate::world::Shared;

/// Names an API that the sandbox cannot switch off.
pub(super) fn check(wanted: &file::Organisation) -> Result<(), String> {
    match wanted.apis.keys().find(|host| !API_HOSTS.contains(&host.as_str())) {
        Some(unknown) => Err(format!("no API `{unknown}`, expected one of {}", API_HOSTS.join(", "))),
        None => Ok(()),
    }
}

/// Puts the constraints in the place of those before, and switches the APIs that are named.
pub(super) fn organisation(shared: &Shared, wanted: &file::Organisation) {
    let mut constraints = Vec::new();
    constraints.extend(wanted.issuers.clone().map(Constraint::Issuers));
    constraints.extend(wanted.customers.clone().map(Constraint::Customers));
    constraints.extend(wanted.no_new_service_accounts.then_some(Constraint::NoNewServiceAccounts));
    shared.google.constrain(constraints);
    for (host, on) in &wanted.apis {
        shared.google.switch_api(host, *on);
    }
}

/// Nobody is blocked any more.
pub(super) fn lift_blocks(shared: &Shared) {
    for principal in &mut shared.azure.directory().service_principals {
        principal.blocked_by_policy = false;
    }
}

/// Blocks a service principal, named by id, client id or display name.
pub(super) fn block(shared: &Shared, named: &str) -> Result<(), String> {
    let id = directory::object_id(shared, named)?;
    let mut directory = shared.azure.directory();
    let found = directory.service_principals.iter_mut().find(|it| it.id == id);
    found.map(|it| it.blocked_by_policy = true).ok_or_else(|| {
        format!("`{named}` is no service principal, and Conditional Access for workloads blocks no others")
    })
}
