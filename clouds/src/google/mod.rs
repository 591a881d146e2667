//! The Google side: setting it up with an administrator's log-in, and looking the cluster up.
//!
//! Official crates do the talking where they can; workload identity pools and providers are in none of them and go over
//! [`rest`]. Every refusal becomes a [`bridge::port::PortError`] in [`refusal`].

pub mod addresses;
mod cluster;
mod federation;
mod grant;
mod member;
mod policy;
mod project;
pub mod refusal;
mod repository;
pub(crate) mod rest;
mod service_account;

use bridge::inventory::{Facts, Inventory};
use bridge::plan::{Action, Change, Missing, Need, Outputs};
use bridge::port::{PortError, PortResult, Refused};
use bridge::resource::Resource;
use bridge::spec::Bridge;
use google_cloud_auth::credentials::Credentials;

pub use addresses::{Addresses, chain_config};
pub use cluster::{ClusterAddress, cluster};
pub use project::project_number;

use policy::Policies;
use rest::Rest;

/// Sets the Google side up, as an administrator.
pub struct SetUp {
    credentials: Credentials,
    /// The administrator, for people.
    who: String,
    projects: project::Projects,
    federation: Rest,
    service_accounts: service_account::ServiceAccounts,
    repositories: repository::Repositories,
}

impl SetUp {
    /// Speaks to the services that `bridge` names, as `administrator`; `http` comes from [`identity::http::client`].
    pub async fn new(
        bridge: &Bridge,
        administrator: &identity::source::Administrator,
        http: reqwest::Client,
    ) -> PortResult<Self> {
        let addresses = Addresses::of(bridge);
        let credentials = administrator.credentials.clone();
        Ok(Self {
            who: administrator.bearer.who().to_owned(),
            projects: project::Projects::new(&addresses, credentials.clone()).await?,
            federation: Rest {
                service: "Google IAM",
                http,
                address: addresses.iam.clone(),
                credentials: credentials.clone(),
            },
            service_accounts: service_account::ServiceAccounts::new(&addresses, credentials.clone()).await?,
            repositories: repository::Repositories::new(&addresses, credentials.clone()).await?,
            credentials,
        })
    }

    /// Adds what Google knows: the project's number and who the cluster's nodes are.
    pub async fn facts(&self, bridge: &Bridge, facts: &mut Facts) -> PortResult<()> {
        facts.project_number = self.projects.number(&bridge.google.project).await?;
        let declared = &bridge.google.project_number;
        if facts.project_number != *declared {
            let (project, found) = (&bridge.google.project, &facts.project_number);
            let message =
                format!("project `{project}` has the number `{found}`, but the bridge says `{declared}`");
            return Err(refusal::own("Cloud Resource Manager", Refused::Invalid, message));
        }
        let cluster = cluster::find(bridge, self.credentials.clone()).await?;
        facts.node_service_account = cluster::node_service_account(&cluster, &facts.project_number);
        Ok(())
    }

    /// Adds the live state of what is wanted on the Google side, and of everything there that carries our mark.
    pub async fn observe(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        wanted: &[Resource],
        inventory: &mut Inventory,
    ) -> PortResult<()> {
        let mut found = federation::observe(&self.federation, bridge, wanted).await?;
        found.extend(self.service_accounts.observe(bridge, wanted).await?);
        found.extend(self.repositories.observe(bridge, wanted).await?);
        found.extend(grant::observe(&self.policies(), bridge, facts, &found).await?);
        inventory.found.extend(found.into_iter().map(|observed| (observed.resource.key(), observed)));
        Ok(())
    }

    /// The Google permissions among `needs` that the administrator lacks.
    pub async fn missing(&self, bridge: &Bridge, needs: &[Need]) -> PortResult<Vec<Missing>> {
        self.projects.missing(&bridge.google.project, needs, &self.who).await
    }

    /// Makes one change on the Google side. Making it twice is making it once.
    pub async fn perform(&self, bridge: &Bridge, change: &Change, outputs: &Outputs) -> PortResult<()> {
        match change.action.resource() {
            Resource::Pool(pool) => {
                federation::perform_pool(&self.federation, bridge, &change.action, pool).await
            }
            Resource::Provider(provider) => {
                federation::perform_provider(&self.federation, bridge, &change.action, provider, outputs)
                    .await
            }
            Resource::ServiceAccount(account) => {
                self.service_accounts.perform(bridge, &change.action, account).await
            }
            Resource::Repository(repository) => {
                self.repositories.perform(bridge, &change.action, repository).await
            }
            Resource::Grant(grant) => grant::perform(&self.policies(), bridge, &change.action, grant).await,
            Resource::Application(_)
            | Resource::ServicePrincipal(_)
            | Resource::AppRoleAssignment(_)
            | Resource::RoleAssignment(_)
            | Resource::Kubernetes(_) => Err(refusal::own(
                "Google",
                Refused::Invalid,
                format!("`{}` is nothing of Google's", change.key),
            )),
        }
    }

    fn policies(&self) -> Policies<'_> {
        Policies {
            projects: &self.projects,
            service_accounts: &self.service_accounts,
            repositories: &self.repositories,
        }
    }
}

/// Whether a change takes something away.
fn is_deletion(action: &Action) -> bool {
    matches!(action, Action::Delete { .. })
}

/// Something with the wanted name that is not ours stands in the way.
fn foreign(service: &'static str, what: &str) -> PortError {
    refusal::own(
        service,
        Refused::Conflict,
        format!("{what} exists and does not carry this bridge's mark; choose another name, or mark it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::spec::{Azure, AzureCloud, Endpoints, Federation, Google};

    /// A bridge with nobody on it.
    pub(super) fn bridge() -> Bridge {
        Bridge {
            name: "crossing".to_owned(),
            azure: Azure {
                cloud: AzureCloud::Public,
                tenant: "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10".to_owned(),
                subscription: "7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31".to_owned(),
                resource_group: "rg".to_owned(),
                workspace: "quay".to_owned(),
            },
            google: Google {
                project: "harbour".to_owned(),
                project_number: "42".to_owned(),
                location: "europe-west4".to_owned(),
                cluster: "ship".to_owned(),
                repository: "models".to_owned(),
            },
            federation: Federation {
                pool: "quay".to_owned(),
                provider: "entra".to_owned(),
                application: "Gangplank".to_owned(),
            },
            identities: Vec::new(),
            teams: Vec::new(),
            services: Vec::new(),
            endpoints: Endpoints::default(),
        }
    }
}
