//! What `can` looks at, in files: policies, roles and bindings, role assignments, tokens. What no exhibit shows was not seen;
//! and what is not among the roles and bindings that were given may still be in the cluster.

use std::collections::BTreeMap;

use trust::iam::{DenyPolicy, Policy};

use super::azure_roles::permissions;
use super::{Assignment, Rbac, Viewer};
use crate::doctor::offline::lent::{self, NoPolicy};
use crate::exhibit::{Exhibit, Exhibits, Kind, attempt};
use crate::inventory::{Datastore, Facts, Principal, Shard};
use crate::port::{PortError, PortResult, Refused};
use crate::resource::GrantTarget;
use crate::spec::Bridge;

/// Looks at exhibits.
#[derive(Debug, Clone, Copy)]
pub struct Collected<'a> {
    /// What was collected.
    pub exhibits: &'a Exhibits,
    /// The bridge that names stand for.
    pub bridge: &'a Bridge,
}

/// The only caller whom the provider among exhibits makes of the tokens among them.
pub fn caller_among(exhibits: &Exhibits) -> Option<trust::Caller> {
    let mut all = lent::federated(exhibits);
    let caller = all.pop()?;
    all.iter().all(|it| *it == caller).then_some(caller)
}

impl Collected<'_> {
    fn of(&self, kind: Kind) -> impl Iterator<Item = &Exhibit> {
        self.exhibits.of(kind).filter(|it| it.get("/none").is_none())
    }

    /// Whether a list of them was given that is empty.
    fn is_empty_list(&self, kind: Kind) -> bool {
        self.exhibits.of(kind).any(|it| it.get("/none").is_some())
    }

    fn objects<T: serde::de::DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        self.exhibits.objects(kind).filter_map(Exhibit::as_type).collect()
    }

    /// The ids of those whose token, or whose service principal, is among the exhibits.
    fn principals(&self) -> BTreeMap<String, Principal> {
        let mut all = BTreeMap::new();
        // In a person's token the client is only the tool that she uses.
        for claims in lent::claims(self.exhibits).into_iter().filter(|it| !it.is_delegated()) {
            if let Some((client, object)) = claims.client_id().zip(claims.object_id()) {
                let object_id = object.to_owned();
                all.insert(client.to_owned(), Principal { object_id, ..Principal::default() });
            }
        }
        for it in self.of(Kind::ServicePrincipal) {
            if let Some((client, object)) = it.text("/appId").zip(it.text_of(&["/id", "/objectId"])) {
                let object_id = object.to_owned();
                all.insert(client.to_owned(), Principal { object_id, ..Principal::default() });
            }
        }
        all
    }

    /// Managed identities, with the credentials that name them.
    fn shards(&self) -> BTreeMap<String, Shard> {
        let identities = self.of(Kind::AzureIdentity).filter_map(|it| {
            let name = it.text("/name")?;
            let id = |pointer| it.text(pointer).unwrap_or_default().to_owned();
            let credentials = self.of(Kind::FederatedCredential).filter_map(|credential| {
                let part = credential.text("/id")?.split_once("/userAssignedIdentities/")?.1;
                (part.split('/').next() == Some(name)).then(|| credential.text("/name"))?
            });
            let credentials = credentials.map(str::to_owned).collect();
            let (client_id, principal_id) = (id("/clientId"), id("/principalId"));
            Some((name.to_owned(), Shard { client_id, principal_id, credentials, ..Shard::default() }))
        });
        identities.collect()
    }

    /// The container that models lie in, where a snapshot tells it.
    fn datastore(&self) -> Datastore {
        let rows = self.of(Kind::Attempts).flat_map(|it| it.list("/attempts"));
        let mut stores = rows.filter(|row| row.get("store").is_some()).map(attempt::store);
        let scope = stores.find_map(|store| {
            let (subscription, group) = store.place?;
            Some(format!(
                "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{}/blobServices/default/containers/{}",
                store.account, store.container
            ))
        });
        Datastore { scope: scope.unwrap_or_default(), ..Datastore::default() }
    }
}

impl Viewer for Collected<'_> {
    async fn facts(&self) -> PortResult<Facts> {
        Ok(Facts {
            project_number: self.bridge.google.project_number.clone(),
            principals: self.principals(),
            shards: self.shards(),
            datastore: self.datastore(),
            ..Facts::default()
        })
    }

    async fn policy(&self, target: &GrantTarget) -> PortResult<Policy> {
        let only = match target {
            GrantTarget::ServiceAccount(_) => self.bridge.teams.len() <= 1,
            GrantTarget::Project | GrantTarget::Repository(_) => true,
        };
        let command = match target {
            GrantTarget::Project => format!("gcloud projects get-iam-policy {}", self.bridge.google.project),
            GrantTarget::ServiceAccount(id) => format!(
                "gcloud iam service-accounts get-iam-policy {id}@{}.iam.gserviceaccount.com",
                self.bridge.google.project
            ),
            GrantTarget::Repository(id) => format!(
                "gcloud artifacts repositories get-iam-policy {id} --location={}",
                self.bridge.google.region()
            ),
        };
        lent::policy(self.exhibits, target, &self.bridge.google, only).map_err(|why| match why {
            NoPolicy::Unseen => unseen(&format!("no exhibit shows it; `{command} --format=json` prints it")),
            NoPolicy::Nameless(file) => unseen(&format!(
                "`{file}` does not say what it is on: name the file after that, or write \
                 `{{\"resource\": \"…\", \"policy\": {{…}}}}`"
            )),
        })
    }

    async fn deny_policies(&self) -> PortResult<Vec<DenyPolicy>> {
        let all: Vec<DenyPolicy> = self.of(Kind::DenyPolicy).filter_map(Exhibit::as_type).collect();
        if all.is_empty() && !self.is_empty_list(Kind::DenyPolicy) {
            return Err(unseen("no exhibit shows them"));
        }
        Ok(all)
    }

    async fn rbac(&self) -> PortResult<Rbac> {
        let rbac = Rbac {
            roles: self.objects("Role"),
            cluster_roles: self.objects("ClusterRole"),
            role_bindings: self.objects("RoleBinding"),
            cluster_role_bindings: self.objects("ClusterRoleBinding"),
            // What a cluster printed has a uid, and its rules are gathered.
            as_written: self.exhibits.objects("ClusterRole").any(|it| it.get("/metadata/uid").is_none()),
        };
        let nothing = rbac.roles.is_empty()
            && rbac.cluster_roles.is_empty()
            && rbac.role_bindings.is_empty()
            && rbac.cluster_role_bindings.is_empty();
        if nothing {
            let command =
                "kubectl get role,rolebinding,clusterrole,clusterrolebinding --all-namespaces --output=yaml";
            return Err(unseen(&format!("no exhibit shows them; `{command}` prints them")));
        }
        Ok(rbac)
    }

    async fn assignments(&self, scope: &str) -> PortResult<Vec<Assignment>> {
        let all: Vec<&Exhibit> = self.of(Kind::RoleAssignment).collect();
        if all.is_empty() && !self.is_empty_list(Kind::RoleAssignment) {
            let command = format!("az role assignment list --scope {scope} --include-inherited");
            return Err(unseen(&format!("no exhibit shows them; `{command}` prints them")));
        }
        all.into_iter().map(assignment).collect()
    }

    fn is_whole(&self) -> bool {
        false
    }
}

fn assignment(it: &Exhibit) -> PortResult<Assignment> {
    let text = |pointer: &str| it.text(pointer).unwrap_or_default().to_owned();
    let role = text("/roleDefinitionName");
    let permissions = permissions(&role)
        .ok_or_else(|| unseen(&format!("what role `{role}` permits is not known here ({})", it.file)))?;
    Ok(Assignment {
        principal_id: text("/principalId"),
        principal_type: text("/principalType"),
        scope: text("/scope"),
        role,
        permissions,
        condition: it.text("/condition").map(str::to_owned),
    })
}

fn unseen(why: &str) -> PortError {
    PortError {
        service: "the evidence",
        kind: Refused::NotFound,
        status: None,
        code: None,
        message: why.to_owned(),
        retry_after: None,
    }
}
