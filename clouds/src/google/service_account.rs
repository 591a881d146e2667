//! Google service accounts, one a team.

use std::collections::BTreeMap;

use bridge::inventory::{Observed, State};
use bridge::plan::Action;
use bridge::port::{PortError, PortResult, Refused};
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
    pub(super) async fn all(&self, bridge: &Bridge) -> PortResult<BTreeMap<String, model::ServiceAccount>> {
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
            Action::Adopt { .. } => {
                self.live(bridge, account).await?;
                self.patch(bridge, account).await
            }
            Action::Update { found, .. } => {
                let live = self.ours(bridge, account).await?;
                let before = service_account_in(found).map(|found| found.display_name.as_str());
                if before != Some(&live.display_name) && live.display_name != account.display_name {
                    return Err(changed(&account.id, "was changed"));
                }
                self.patch(bridge, account).await
            }
            Action::Delete { .. } => {
                return match self.ours(bridge, account).await {
                    Ok(_) => self.delete(bridge, account).await.map(|()| None),
                    Err(refusal) if refusal.code.as_deref() == Some(GONE) => Ok(None),
                    Err(refusal) => Err(refusal),
                };
            }
        }
        .map(|account| Some(account.unique_id))
    }

    /// What is there, whoever made it.
    async fn live(&self, bridge: &Bridge, account: &ServiceAccount) -> PortResult<model::ServiceAccount> {
        let live = self.0.get_service_account().set_name(name(bridge, &account.id)).send().await;
        live.map_err(|error| match library(SERVICE, &error) {
            refusal if refusal.kind == Refused::NotFound => changed(&account.id, "is gone"),
            refusal => refusal,
        })
    }

    /// What is there, if it is ours.
    async fn ours(&self, bridge: &Bridge, account: &ServiceAccount) -> PortResult<model::ServiceAccount> {
        let live = self.live(bridge, account).await?;
        if live.description == bridge.mark() {
            return Ok(live);
        }
        Err(foreign(SERVICE, &format!("service account `{}`", live.email)))
    }

    async fn create(&self, bridge: &Bridge, account: &ServiceAccount) -> PortResult<model::ServiceAccount> {
        let wanted = model::ServiceAccount::new()
            .set_display_name(&account.display_name)
            .set_description(bridge.mark());
        let call = self.0.create_service_account().set_name(format!("projects/{}", bridge.google.project));
        let call = call.set_account_id(&account.id).set_service_account(wanted);
        call.send().await.map_err(|error| library(SERVICE, &error))
    }

    /// It exists although the plan found nothing: made by this very request, whose answer was lost, or by somebody else.
    /// What differs is not overwritten: that takes a plan that shows it.
    async fn take_up(&self, bridge: &Bridge, account: &ServiceAccount) -> PortResult<model::ServiceAccount> {
        let live = self.ours(bridge, account).await?;
        if live.display_name == account.display_name {
            Ok(live)
        } else {
            Err(changed(&account.id, "was made"))
        }
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

/// The code of our own refusal about an account that is not there.
const GONE: &str = "GONE";

/// The etag of a service account is not to be used any more (says IAM's reference): what the plan was made for is
/// compared with what is there now.
fn changed(id: &str, how: &str) -> PortError {
    let code = (how == "is gone").then(|| GONE.to_owned());
    let message = format!("service account `{id}` {how} since the plan was made");
    PortError { code, ..own(SERVICE, Refused::Conflict, message) }
}

fn service_account_in(resource: &Resource) -> Option<&ServiceAccount> {
    match resource {
        Resource::ServiceAccount(account) => Some(account),
        _ => None,
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
