//! The Google side: setting it up with an administrator's log-in, and looking the cluster up.
//!
//! Official crates do the talking where they can; workload identity pools and providers are in none of them and go over
//! [`rest`]. Every refusal becomes a [`bridge::port::PortError`] in [`refusal`].

pub mod addresses;
mod cluster;
mod disabled;
mod federation;
mod grant;
pub(crate) mod kms;
mod look;
mod member;
mod policy;
mod project;
pub mod refusal;
mod repository;
pub(crate) mod rest;
mod service_account;
mod settling;
mod survey;

use std::sync::atomic::{AtomicBool, Ordering};

use bridge::inventory::{Facts, Inventory};
use bridge::plan::{Action, Change, Missing, Need, Outputs, unique_id_of};
use bridge::port::{PortError, PortResult, Refused};
use bridge::resource::Resource;
use bridge::spec::{Bridge, Via};
use google_cloud_auth::credentials::Credentials;

pub use addresses::{Addresses, chain_config};
pub use cluster::{ClusterAddress, cluster, nodes};
pub use project::project_number;

pub(crate) use disabled::SERVICE_DISABLED;

use crate::patience::{patiently, with_a_fresh_token};
use crate::settling::{SETTLING, Settling};
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
    settling: Settling,
    /// Whether this run made somebody whom a policy may name, and whom IAM may not know everywhere yet.
    newcomers: AtomicBool,
}

impl SetUp {
    /// Speaks to the services that `bridge` names, as `administrator`; `http` comes from [`identity::http::client`].
    pub async fn new(
        bridge: &Bridge,
        administrator: &identity::source::Administrator,
        http: reqwest::Client,
    ) -> PortResult<Self> {
        let who = administrator.bearer.who().to_owned();
        Self::with(&Addresses::of(bridge), administrator.credentials.clone(), who, http).await
    }

    async fn with(
        addresses: &Addresses,
        credentials: Credentials,
        who: String,
        http: reqwest::Client,
    ) -> PortResult<Self> {
        Ok(Self {
            who,
            projects: project::Projects::new(addresses, credentials.clone()).await?,
            federation: Rest {
                service: "Google IAM",
                http,
                address: addresses.iam.clone(),
                credentials: credentials.clone(),
            },
            service_accounts: service_account::ServiceAccounts::new(addresses, credentials.clone()).await?,
            repositories: repository::Repositories::new(addresses, credentials.clone()).await?,
            credentials,
            settling: SETTLING,
            newcomers: AtomicBool::new(false),
        })
    }

    /// Adds what Google knows: the project's number and who the cluster's nodes are.
    pub async fn facts(&self, bridge: &Bridge, facts: &mut Facts) -> PortResult<()> {
        facts.project_number = patiently(|| self.projects.number(&bridge.google.project)).await?;
        let declared = &bridge.google.project_number;
        if facts.project_number != *declared {
            let (project, found) = (&bridge.google.project, &facts.project_number);
            let message =
                format!("project `{project}` has the number `{found}`, but the bridge says `{declared}`");
            return Err(refusal::own("Cloud Resource Manager", Refused::Invalid, message));
        }
        let cluster = cluster::find(bridge, self.credentials.clone(), &self.federation.http).await?;
        facts.node_service_account = cluster.node_service_account(&facts.project_number);
        facts.workload_pool = cluster.workload_pool();
        if bridge.workloads.iter().any(|workload| workload.via == Via::Google) {
            facts.unique_ids = patiently(|| self.service_accounts.unique_ids(bridge)).await?;
        }
        Ok(())
    }

    /// Where the cluster is.
    pub async fn cluster(&self, bridge: &Bridge) -> PortResult<ClusterAddress> {
        cluster(bridge, self.credentials.clone(), &self.federation.http).await
    }

    /// Adds the live state of what is wanted on the Google side, and of everything there that carries our mark.
    pub async fn observe(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        wanted: &[Resource],
        inventory: &mut Inventory,
    ) -> PortResult<()> {
        let mut found = patiently(|| federation::observe(&self.federation, bridge, wanted)).await?;
        found.extend(patiently(|| self.service_accounts.observe(bridge, wanted)).await?);
        found.extend(patiently(|| self.repositories.observe(bridge, wanted)).await?);
        let policies = self.policies();
        let grants = grant::observe(&policies, bridge, facts, &found).await?;
        found.extend(grants);
        inventory.found.extend(found.into_iter().map(|observed| (observed.resource.key(), observed)));
        Ok(())
    }

    /// The Google permissions among `needs` that the administrator lacks.
    pub async fn missing(&self, bridge: &Bridge, needs: &[Need]) -> PortResult<Vec<Missing>> {
        patiently(|| self.projects.missing(&bridge.google.project, needs, &self.who)).await
    }

    /// Makes one change on the Google side. Making it twice is making it once.
    pub async fn perform(&self, bridge: &Bridge, change: &Change, outputs: &mut Outputs) -> PortResult<()> {
        let newcomer = matches!(change.action.resource(), Resource::Pool(_) | Resource::ServiceAccount(_))
            && matches!(change.action, Action::Create { .. } | Action::Undelete { .. });
        let known = &*outputs;
        let made = with_a_fresh_token(|| self.perform_once(bridge, change, known)).await?;
        outputs.late.extend(made);
        self.newcomers.fetch_or(newcomer, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the change; gives what later changes may wait for.
    async fn perform_once(
        &self,
        bridge: &Bridge,
        change: &Change,
        outputs: &Outputs,
    ) -> PortResult<Option<(String, String)>> {
        match change.action.resource() {
            Resource::ServiceAccount(account) => {
                let unique_id = self.service_accounts.perform(bridge, &change.action, account).await?;
                return Ok(unique_id.map(|unique_id| (unique_id_of(&account.id), unique_id)));
            }
            Resource::Pool(pool) => {
                federation::perform_pool(&self.federation, bridge, &change.action, pool).await
            }
            Resource::Provider(provider) => {
                federation::perform_provider(&self.federation, bridge, &change.action, provider, outputs)
                    .await
            }
            Resource::Repository(repository) => {
                self.repositories.perform(bridge, &change.action, repository).await
            }
            Resource::Grant(grant) => grant::perform(&self.policies(), bridge, &change.action, grant).await,
            Resource::Application(_)
            | Resource::ServicePrincipal(_)
            | Resource::AppRoleAssignment(_)
            | Resource::ManagedIdentity(_)
            | Resource::FederatedCredential(_)
            | Resource::RoleAssignment(_)
            | Resource::Kubernetes(_) => Err(refusal::own(
                "Google",
                Refused::Invalid,
                format!("`{}` is nothing of Google's", change.key),
            )),
        }
        .map(|()| None)
    }

    fn policies(&self) -> Policies<'_> {
        Policies {
            projects: &self.projects,
            service_accounts: &self.service_accounts,
            repositories: &self.repositories,
            settling: self.newcomers.load(Ordering::Relaxed).then_some(self.settling),
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
pub(crate) mod tests;
