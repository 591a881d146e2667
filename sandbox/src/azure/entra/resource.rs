//! Finding the resource that a token is asked for.

use super::refusal::Refusal;
use crate::azure::directory::{Application, ServicePrincipal};
use crate::azure::first_party::{FIRST_PARTY, FirstParty, GRAPH, RESOURCE_MANAGER};
use crate::seed;
use crate::world::Shared;

/// A resource in the tenant.
pub(crate) struct Resource {
    /// The `aud` of a v1 token: the resource as the caller named it.
    pub(crate) named: String,
    /// Its service principal.
    pub(crate) principal: ServicePrincipal,
    /// Its registration; Microsoft's own services have none in the tenant.
    pub(crate) application: Option<Application>,
}

impl Resource {
    /// Whether the resource application asks for v2 tokens. Neither endpoint nor caller has a say in it.
    pub(crate) fn wants_v2(&self) -> bool {
        self.application
            .as_ref()
            .is_some_and(|application| application.api.requested_access_token_version == Some(2))
    }
}

/// The resource called `named`: one of Microsoft's services, or an application by client id or identifier URI that has a
/// service principal here.
pub(crate) fn find(shared: &Shared, named: &str) -> Result<Resource, Refusal> {
    let directory = shared.azure.directory();
    let unknown = || Refusal::resource_not_found(named, seed::TENANT_NAME);
    if let Some((service, named)) = first_party(shared, named) {
        let principal = directory.service_principal(service.object_id).ok_or_else(unknown)?.clone();
        return Ok(Resource { named: named.to_owned(), principal, application: None });
    }
    let application = directory.applications.iter().find(|it| is_named(it, named)).ok_or_else(unknown)?;
    let principal = directory.service_principal_of(&application.app_id).ok_or_else(unknown)?;
    Ok(Resource {
        named: named.to_owned(),
        principal: principal.clone(),
        application: Some(application.clone()),
    })
}

/// The service of Microsoft's called `named`, and the audience of tokens for it. As in a cloud of its own, Graph and Resource
/// Manager go by their addresses, too; the Azure CLI knows Graph by nothing else.
fn first_party<'n>(shared: &Shared, named: &'n str) -> Option<(&'static FirstParty, &'n str)> {
    if let Some(service) = FIRST_PARTY.iter().find(|service| service.is_named(named)) {
        return Some((service, named));
    }
    let addresses = shared.addresses()?;
    let at = named.trim_end_matches('/').strip_prefix("https://")?;
    let known = [(&GRAPH, addresses.graph), (&RESOURCE_MANAGER, addresses.resource_manager)];
    let (service, _) = known.into_iter().find(|(_, address)| at == address.to_string())?;
    Some((service, service.resources.first()?))
}

fn is_named(application: &Application, named: &str) -> bool {
    let bare = named.trim_end_matches('/');
    application.app_id.eq_ignore_ascii_case(bare)
        || application.identifier_uris.iter().any(|uri| uri.trim_end_matches('/') == bare)
}
