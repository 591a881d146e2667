//! Google service accounts, one a team.

use std::collections::BTreeMap;

use bridge::inventory::{Observed, State};
use bridge::plan::Action;
use bridge::port::{PortResult, Refused};
use bridge::resource::{Resource, ServiceAccount};
use bridge::spec::Bridge;
use google_cloud_auth::credentials::Credentials;
use google_cloud_gax::paginator::ItemPaginator as _;
use google_cloud_iam_admin_v1::client::Iam;
use google_cloud_iam_admin_v1::model;
use google_cloud_iam_v1::model::{GetPolicyOptions, Policy};
use google_cloud_wkt::FieldMask;

use super::addresses::Addresses;
use super::foreign;
use super::policy::POLICY_VERSION;
use super::refusal::{library, own};

const SERVICE: &str = "Google IAM";

/// Google IAM, as far as service accounts go.
pub(super) struct ServiceAccounts(Iam);

impl ServiceAccounts {
    pub(super) async fn new(addresses: &Addresses, credentials: Credentials) -> PortResult<Self> {
        Iam::builder()
            .with_endpoint(&addresses.iam)
            .with_credentials(credentials)
            .build()
            .await
            .map(Self)
            .map_err(|error| own(SERVICE, Refused::Unavailable, error.to_string()))
    }

    /// The wanted service accounts that exist, and every other one that carries the bridge's mark.
    pub(super) async fn observe(&self, bridge: &Bridge, wanted: &[Resource]) -> PortResult<Vec<Observed>> {
        let wanted: Vec<&str> = wanted.iter().filter_map(service_account).collect();
        let live = self.all(bridge).await?;
        let observed = live.into_iter().map(|(id, account)| {
            let marked = account.description == bridge.mark();
            (wanted.contains(&id.as_str()) || marked).then(|| Observed {
                resource: Resource::ServiceAccount(ServiceAccount { id, display_name: account.display_name }),
                marked,
                state: State::Live,
                holds: None,
            })
        });
        Ok(observed.flatten().collect())
    }

    /// The unique ids of the service accounts that carry the bridge's mark, by account id.
    pub(super) async fn unique_ids(&self, bridge: &Bridge) -> PortResult<BTreeMap<String, String>> {
        let ours = self.all(bridge).await?.into_iter();
        let ours = ours.filter(|(_, account)| account.description == bridge.mark());
        Ok(ours.map(|(id, account)| (id, account.unique_id)).collect())
    }

    /// Every service account that users made in the project, by id.
    async fn all(&self, bridge: &Bridge) -> PortResult<BTreeMap<String, model::ServiceAccount>> {
        let project = &bridge.google.project;
        let domain = format!("@{project}.iam.gserviceaccount.com");
        let mut all = self.0.list_service_accounts().set_name(format!("projects/{project}")).by_item();
        let mut live = BTreeMap::new();
        while let Some(account) = all.next().await {
            let account = account.map_err(|error| library(SERVICE, &error))?;
            if let Some(id) = account.email.strip_suffix(&domain) {
                live.insert(id.to_owned(), account);
            }
        }
        Ok(live)
    }

    /// Creates, renames or deletes a service account; gives the unique id of one that is there afterwards.
    pub(super) async fn perform(
        &self,
        bridge: &Bridge,
        action: &Action,
        account: &ServiceAccount,
    ) -> PortResult<Option<String>> {
        match action {
            Action::Create { .. } | Action::Undelete { .. } => match self.create(bridge, account).await {
                Err(refusal) if refusal.kind == Refused::Conflict => self.take_up(bridge, account).await,
                outcome => outcome,
            },
            Action::Update { .. } => self.patch(bridge, account).await,
            Action::Delete { .. } => return self.delete(bridge, account).await.map(|()| None),
        }
        .map(|account| Some(account.unique_id))
    }

    async fn create(&self, bridge: &Bridge, account: &ServiceAccount) -> PortResult<model::ServiceAccount> {
        let wanted = model::ServiceAccount::new()
            .set_display_name(&account.display_name)
            .set_description(bridge.mark());
        let call = self.0.create_service_account().set_name(format!("projects/{}", bridge.google.project));
        let call = call.set_account_id(&account.id).set_service_account(wanted);
        call.send().await.map_err(|error| library(SERVICE, &error))
    }

    /// It exists: made by an earlier run that was cut off, or by somebody else.
    async fn take_up(&self, bridge: &Bridge, account: &ServiceAccount) -> PortResult<model::ServiceAccount> {
        let live = self.0.get_service_account().set_name(name(bridge, &account.id)).send().await;
        let live = live.map_err(|error| library(SERVICE, &error))?;
        if live.description != bridge.mark() {
            return Err(foreign(SERVICE, &format!("service account `{}`", live.email)));
        }
        if live.display_name == account.display_name { Ok(live) } else { self.patch(bridge, account).await }
    }

    async fn patch(&self, bridge: &Bridge, account: &ServiceAccount) -> PortResult<model::ServiceAccount> {
        let wanted = model::ServiceAccount::new()
            .set_name(name(bridge, &account.id))
            .set_display_name(&account.display_name)
            .set_description(bridge.mark());
        let mask = FieldMask::default().set_paths(["display_name", "description"]);
        let call = self.0.patch_service_account().set_service_account(wanted).set_update_mask(mask);
        call.send().await.map_err(|error| library(SERVICE, &error))
    }

    async fn delete(&self, bridge: &Bridge, account: &ServiceAccount) -> PortResult<()> {
        let call = self.0.delete_service_account().set_name(name(bridge, &account.id));
        match call.send().await.map_err(|error| library(SERVICE, &error)) {
            Err(refusal) if refusal.kind == Refused::NotFound => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    pub(super) async fn policy(&self, bridge: &Bridge, id: &str) -> PortResult<Policy> {
        let options = GetPolicyOptions::new().set_requested_policy_version(POLICY_VERSION);
        let call = self.0.get_iam_policy().set_resource(name(bridge, id)).set_options(options);
        call.send().await.map_err(|error| library(SERVICE, &error))
    }

    pub(super) async fn set_policy(&self, bridge: &Bridge, id: &str, policy: Policy) -> PortResult<()> {
        let call = self.0.set_iam_policy().set_resource(name(bridge, id)).set_policy(policy);
        call.send().await.map(drop).map_err(|error| library(SERVICE, &error))
    }
}

fn service_account(resource: &Resource) -> Option<&str> {
    match resource {
        Resource::ServiceAccount(account) => Some(&account.id),
        _ => None,
    }
}

fn name(bridge: &Bridge, id: &str) -> String {
    let project = &bridge.google.project;
    format!("projects/{project}/serviceAccounts/{id}@{project}.iam.gserviceaccount.com")
}
