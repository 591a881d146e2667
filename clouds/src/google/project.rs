//! The project: its number, its policy, and which permissions one has on it.

use std::collections::BTreeSet;

use bridge::plan::{Missing, Need};
use bridge::port::{PortResult, Refused};
use bridge::spec::Bridge;
use google_cloud_auth::credentials::Credentials;
use google_cloud_iam_v1::model::{GetPolicyOptions, Policy};
use google_cloud_resourcemanager_v3::client::Projects as Client;

use super::addresses::Addresses;
use super::policy::POLICY_VERSION;
use super::refusal::{library, own, unexpected};

const SERVICE: &str = "Cloud Resource Manager";
/// The most permissions that one question may name.
const PERMISSIONS_A_CALL: usize = 100;

/// The number of the bridge's project, looked up as whoever holds `credentials`.
pub async fn project_number(bridge: &Bridge, credentials: Credentials) -> PortResult<String> {
    Projects::new(&Addresses::of(bridge), credentials).await?.number(&bridge.google.project).await
}

/// Cloud Resource Manager.
pub(super) struct Projects(Client);

impl Projects {
    pub(super) async fn new(addresses: &Addresses, credentials: Credentials) -> PortResult<Self> {
        Client::builder()
            .with_endpoint(&addresses.cloud_resource_manager)
            .with_credentials(credentials)
            .build()
            .await
            .map(Self)
            .map_err(|error| own(SERVICE, Refused::Unavailable, error.to_string()))
    }

    pub(super) async fn number(&self, project: &str) -> PortResult<String> {
        let found = self.0.get_project().set_name(format!("projects/{project}")).send().await;
        let found = found.map_err(|error| library(SERVICE, &error))?;
        let number = found.name.strip_prefix("projects/").unwrap_or_default();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(unexpected(SERVICE, format!("project `{project}` has no number")));
        }
        Ok(number.to_owned())
    }

    pub(super) async fn policy(&self, project: &str) -> PortResult<Policy> {
        let options = GetPolicyOptions::new().set_requested_policy_version(POLICY_VERSION);
        let call = self.0.get_iam_policy().set_resource(format!("projects/{project}")).set_options(options);
        call.send().await.map_err(|error| library(SERVICE, &error))
    }

    pub(super) async fn set_policy(&self, project: &str, policy: Policy) -> PortResult<()> {
        let call = self.0.set_iam_policy().set_resource(format!("projects/{project}")).set_policy(policy);
        call.send().await.map(drop).map_err(|error| library(SERVICE, &error))
    }

    pub(super) async fn missing(&self, project: &str, needs: &[Need], who: &str) -> PortResult<Vec<Missing>> {
        let wanted: BTreeSet<&str> = needs.iter().filter_map(google_permission).collect();
        let wanted: Vec<&str> = wanted.into_iter().collect();
        let mut missing = Vec::new();
        for batch in wanted.chunks(PERMISSIONS_A_CALL) {
            let granted = self.granted_in_either_spelling(project, batch).await?;
            missing.extend(batch.iter().filter(|permission| !granted.contains(**permission)).map(
                |permission| Missing {
                    need: Need::Google { permission: (*permission).to_owned() },
                    who: who.to_owned(),
                    mend: mend(project, permission),
                },
            ));
        }
        Ok(missing)
    }

    /// Google writes permissions on pools in two ways: refusals say `iam.workloadIdentityPools.create`, definitions of roles
    /// list `iam.googleapis.com/workloadIdentityPools.create`, and no page says which of them can be tested. A name that
    /// cannot be makes the whole question invalid, so that it is put again in the other way.
    async fn granted_in_either_spelling(
        &self,
        project: &str,
        permissions: &[&str],
    ) -> PortResult<BTreeSet<String>> {
        let short: Vec<String> = permissions.iter().map(|permission| (*permission).to_owned()).collect();
        let long: Vec<String> = permissions.iter().map(|permission| long_spelling(permission)).collect();
        match self.granted(project, &short).await {
            Err(refused) if refused.kind == Refused::Invalid && long != short => {
                let granted = self.granted(project, &long).await?;
                let held = short.into_iter().zip(long).filter(|(_, long)| granted.contains(long));
                Ok(held.map(|(short, _)| short).collect())
            }
            answer => answer,
        }
    }

    async fn granted(&self, project: &str, permissions: &[String]) -> PortResult<BTreeSet<String>> {
        let call = self
            .0
            .test_iam_permissions()
            .set_resource(format!("projects/{project}"))
            .set_permissions(permissions.iter().cloned());
        let answer = call.send().await.map_err(|error| library(SERVICE, &error))?;
        Ok(answer.permissions.into_iter().collect())
    }
}

/// A permission on pools as definitions of roles list it; any other as it is.
fn long_spelling(permission: &str) -> String {
    match permission.strip_prefix("iam.workloadIdentityPool") {
        Some(rest) => format!("iam.googleapis.com/workloadIdentityPool{rest}"),
        None => permission.to_owned(),
    }
}

fn google_permission(need: &Need) -> Option<&str> {
    match need {
        Need::Google { permission } => Some(permission),
        Need::Azure { .. } | Need::Graph { .. } | Need::Kubernetes { .. } => None,
    }
}

/// The narrowest predefined role that holds `permission`.
fn role_for(permission: &str) -> Option<&'static str> {
    let (of, verb) = permission.rsplit_once('.')?;
    match (of, verb) {
        ("iam.workloadIdentityPools" | "iam.workloadIdentityPoolProviders", "get" | "list") => {
            Some("roles/iam.workloadIdentityPoolViewer")
        }
        ("iam.workloadIdentityPools" | "iam.workloadIdentityPoolProviders", _) => {
            Some("roles/iam.workloadIdentityPoolAdmin")
        }
        ("iam.serviceAccounts", "create") => Some("roles/iam.serviceAccountCreator"),
        ("iam.serviceAccounts", "delete") => Some("roles/iam.serviceAccountDeleter"),
        ("iam.serviceAccounts", "getAccessToken") => Some("roles/iam.serviceAccountTokenCreator"),
        ("iam.serviceAccounts", "get" | "list") => Some("roles/iam.serviceAccountViewer"),
        ("iam.serviceAccounts", _) => Some("roles/iam.serviceAccountAdmin"),
        ("resourcemanager.projects", "get") => Some("roles/browser"),
        ("resourcemanager.projects", "getIamPolicy" | "setIamPolicy") => {
            Some("roles/resourcemanager.projectIamAdmin")
        }
        // The reader may not see the policy: of the registry's own roles only the administrator may.
        ("artifactregistry.repositories", "get" | "list") => Some("roles/artifactregistry.reader"),
        ("artifactregistry.repositories", _) => Some("roles/artifactregistry.admin"),
        ("container.clusters", "get" | "list") => Some("roles/container.clusterViewer"),
        _ => None,
    }
}

fn mend(project: &str, permission: &str) -> String {
    match role_for(permission) {
        Some(role) => {
            format!("gcloud projects add-iam-policy-binding {project} --member=MEMBER --role={role}")
        }
        None => format!("grant a role that holds `{permission}` on project `{project}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mend_names_the_narrowest_role() {
        let table = [
            ("iam.workloadIdentityPools.create", "roles/iam.workloadIdentityPoolAdmin"),
            ("iam.workloadIdentityPoolProviders.get", "roles/iam.workloadIdentityPoolViewer"),
            ("iam.serviceAccounts.create", "roles/iam.serviceAccountCreator"),
            ("iam.serviceAccounts.setIamPolicy", "roles/iam.serviceAccountAdmin"),
            ("resourcemanager.projects.setIamPolicy", "roles/resourcemanager.projectIamAdmin"),
            ("artifactregistry.repositories.create", "roles/artifactregistry.admin"),
            ("artifactregistry.repositories.getIamPolicy", "roles/artifactregistry.admin"),
            ("container.clusters.get", "roles/container.clusterViewer"),
        ];
        for (permission, role) in table {
            assert_eq!(role_for(permission), Some(role), "{permission}");
            assert!(mend("p", permission).ends_with(&format!("--role={role}")));
        }
        assert!(mend("p", "odd.thing").contains("`odd.thing`"));
    }
}
