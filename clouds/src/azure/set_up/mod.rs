//! Setting the Azure side up with an administrator's log-in: the application and its roles in Entra, role assignments
//! in Resource Manager.

mod application;
mod assignments;
mod delegated;
mod facts;
mod managed_identity;
mod principal;
mod rights;
mod role_assignment;
mod settling;
mod survey;
#[cfg(test)]
mod tests;

use bridge::inventory::{Facts, Inventory, Observed};
use bridge::plan::{Change, Missing, Need, Outputs};
use bridge::port::{PortError, PortResult, Refused};
use bridge::resource::Resource;
use bridge::spec::Bridge;
use identity::source::EntraSource;

use super::Addresses;
use super::models::Models;
use super::rest::Rest;
use crate::error;
use crate::settling::{SETTLING, Settling};

const GRAPH: &str = "Microsoft Graph";
const MANAGEMENT: &str = "Azure Resource Manager";

/// Microsoft Graph, and the patience it takes.
struct Directory {
    rest: Rest,
    settling: Settling,
}

/// Sets the Azure side up, as an administrator.
pub struct SetUp {
    graph: Directory,
    management: Rest,
    /// Whose turn it is to write federated credentials.
    turns: managed_identity::Turns,
    models: Models,
    addresses: Addresses,
    login: EntraSource,
    http: reqwest::Client,
}

impl SetUp {
    /// Speaks to the services that `bridge` names, logged in by `login`; `http` comes from [`identity::http::client`].
    pub fn new(bridge: &Bridge, login: EntraSource, http: reqwest::Client) -> PortResult<Self> {
        let addresses = Addresses::of(bridge);
        let credential = || login.credential.clone();
        Ok(Self {
            graph: Directory {
                rest: Rest::new(GRAPH, &addresses.graph, addresses.graph_scope, credential(), &http)?,
                settling: SETTLING,
            },
            management: Rest::new(
                MANAGEMENT,
                &addresses.resource_manager,
                addresses.management_scope,
                credential(),
                &http,
            )?,
            turns: managed_identity::Turns::default(),
            models: Models::new(bridge, &addresses, credential(), &http)?,
            addresses,
            login,
            http,
        })
    }

    /// Adds the live state of what is wanted on the Azure side, and of everything there that carries our mark.
    pub async fn observe(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        wanted: &[Resource],
        inventory: &mut Inventory,
    ) -> PortResult<()> {
        let application = application::find(&self.graph.rest, bridge).await?;
        let mut found = Vec::new();
        found.extend(application::observe(&self.graph.rest, bridge, application.as_ref()).await?);
        if let Some(application) = &application {
            found.extend(principal::observe(&self.graph.rest, bridge, application).await?);
        }
        found.extend(role_assignment::observe(&self.management, bridge, facts, wanted).await?);
        found.extend(managed_identity::observe(&self.management, bridge, wanted).await?);
        let named = found.into_iter().map(|observed: Observed| (observed.resource.key(), observed));
        inventory.found.extend(named);
        Ok(())
    }

    /// The needs on the Azure side that the administrator does not meet.
    pub async fn missing(&self, needs: &[Need]) -> PortResult<Vec<Missing>> {
        rights::missing(&self.management, &self.login, self.addresses.graph_scope, needs).await
    }

    /// Makes one change on the Azure side. Making it twice is making it once.
    pub async fn perform(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        change: &Change,
        outputs: &mut Outputs,
    ) -> PortResult<()> {
        let action = &change.action;
        match action.resource() {
            Resource::Application(wanted) => {
                application::perform(&self.graph, bridge, action, wanted, outputs).await
            }
            Resource::ServicePrincipal(wanted) => {
                principal::perform(&self.graph, action, wanted, outputs).await
            }
            Resource::AppRoleAssignment(wanted) => {
                principal::perform_assignment(&self.graph, facts, action, wanted, outputs).await
            }
            Resource::RoleAssignment(wanted) => {
                role_assignment::perform(&self.management, bridge, (action, wanted), outputs).await
            }
            Resource::ManagedIdentity(wanted) => {
                let change = (action, wanted);
                managed_identity::perform(&self.management, bridge, facts, change, outputs).await
            }
            Resource::FederatedCredential(wanted) => {
                let change = (action, wanted);
                managed_identity::perform_credential(&self.management, &self.turns, bridge, change, outputs)
                    .await
            }
            Resource::Pool(_)
            | Resource::Provider(_)
            | Resource::ServiceAccount(_)
            | Resource::Grant(_)
            | Resource::Repository(_)
            | Resource::Kubernetes(_) => {
                Err(error::own("Azure", Refused::Invalid, format!("`{}` is nothing of Azure's", change.key)))
            }
        }
    }
}

/// A text in a Graph filter: quotes are doubled.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Two GUIDs or ARM ids, which services write in either case.
fn same_id(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// A change that needs the application, which is not there.
fn no_application(what: &str) -> PortError {
    error::own(GRAPH, Refused::NotFound, format!("{what} needs the application, which does not exist"))
}
