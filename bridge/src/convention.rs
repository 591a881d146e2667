//! The names that a bridge makes on both clouds. Whoever looks for something of ours asks here what it is called.

use std::collections::BTreeMap;

use crate::name::{LABEL_MAX, slug};
use crate::spec::{AzureCloud, Bridge, Google, Right, Team, Workload};

/// Role and RoleBinding of whoever deploys for a team.
pub const DEPLOYER: &str = "gangplank-deployer";

/// Label of every Kubernetes object we make, with the value [`MANAGED_BY`].
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";

/// Who manages what we make.
pub const MANAGED_BY: &str = "gangplank";

/// Label with the bridge's name.
pub const BRIDGE_LABEL: &str = "gangplank.dev/bridge";

/// Label with the team's name.
pub const TEAM_LABEL: &str = "gangplank.dev/team";

/// Label with the workload's name, on the service account that its pods run under.
pub const WORKLOAD_LABEL: &str = "gangplank.dev/workload";

/// Annotation with the client id of the identity that pods under a service account become:
/// <https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html>.
pub const CLIENT_ID_ANNOTATION: &str = "azure.workload.identity/client-id";

/// Annotation with the identity's tenant.
pub const TENANT_ID_ANNOTATION: &str = "azure.workload.identity/tenant-id";

/// Annotation with the Google service account that pods under a service account become:
/// <https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity>.
pub const GOOGLE_ACCOUNT_ANNOTATION: &str = "iam.gke.io/gcp-service-account";

/// The issuer of Google's ID tokens.
const GOOGLE_ISSUER: &str = "https://accounts.google.com";

/// Label of an Artifact Registry repository, with the bridge's name; Google's labels allow no slash.
pub const REPOSITORY_LABEL: &str = "gangplank-bridge";

/// The bridge whose mark a description or tag is.
pub fn marked_for(text: &str) -> Option<&str> {
    text.strip_prefix("gangplank:").filter(|name| crate::name::is_dns_label(name))
}

impl Bridge {
    /// The mark in descriptions and tags: `gangplank:BRIDGE`.
    pub fn mark(&self) -> String {
        format!("gangplank:{}", self.name)
    }

    /// The labels that mark a Kubernetes object.
    pub fn mark_labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned()),
            (BRIDGE_LABEL.to_owned(), self.name.clone()),
        ])
    }

    /// The labels of everything that belongs to a team: its own, its name and our mark.
    pub fn team_labels(&self, team: &Team) -> BTreeMap<String, String> {
        let mut labels = team.labels.clone();
        labels.extend(self.mark_labels());
        labels.insert(TEAM_LABEL.to_owned(), team.name.clone());
        labels
    }

    /// The identifier URI of the Entra application. Callers ask for `IDENTIFIER/.default`.
    pub fn identifier_uri(&self) -> String {
        format!("api://{}/{}", self.azure.tenant, slug(&self.federation.application, LABEL_MAX))
    }

    /// Whether any identity is for people, who log in by the Azure CLI.
    pub fn lets_people_across(&self) -> bool {
        self.identities.iter().any(|identity| identity.who.includes_people())
    }

    /// The ARM id of the workspace.
    pub fn workspace_scope(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}",
            self.azure.subscription, self.azure.resource_group, self.azure.workspace
        )
    }

    /// The ARM id of the resource group, where the managed identities lie.
    pub fn resource_group_scope(&self) -> String {
        let azure = &self.azure;
        format!("/subscriptions/{}/resourceGroups/{}", azure.subscription, azure.resource_group)
    }

    /// The name of a managed identity, the workloads' shard of this number: `gp-BRIDGE-N`.
    pub fn shard_name(&self, number: u32) -> String {
        format!("gp-{}-{number}", self.name)
    }

    /// What a token must be made for that Entra takes in place of a secret:
    /// <https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust-user-assigned-managed-identity>.
    pub fn token_exchange_audience(&self) -> &'static str {
        match self.azure.cloud {
            AzureCloud::Public => "api://AzureADTokenExchange",
            AzureCloud::UsGovernment => "api://AzureADTokenExchangeUSGov",
            AzureCloud::China => "api://AzureADTokenExchangeChina",
        }
    }

    /// The issuer of the cluster's service-account tokens, as GKE names it; `None` where Kubernetes Engine's address is
    /// another one, so that the cluster has to be asked.
    pub fn conventional_cluster_issuer(&self) -> Option<String> {
        let Google { project, location, cluster, .. } = &self.google;
        self.endpoints.container.is_none().then(|| {
            format!("https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{cluster}")
        })
    }

    /// The issuer of Google's ID tokens.
    pub fn google_issuer(&self) -> &str {
        self.endpoints.accounts.as_deref().unwrap_or(GOOGLE_ISSUER)
    }

    /// A declared workload.
    pub fn workload(&self, name: &str) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.name == name)
    }

    /// The e-mail address of a workload's Google service account.
    pub fn workload_account_email(&self, workload: &str) -> String {
        format!("{}@{}.iam.gserviceaccount.com", workload_account_id(workload), self.google.project)
    }

    /// The IAM member string of a Kubernetes service account, under Workload Identity Federation for GKE.
    pub fn kubernetes_member(&self, namespace: &str, service_account: &str) -> String {
        format!("serviceAccount:{}.svc.id.goog[{namespace}/{service_account}]", self.google.project)
    }

    /// The e-mail address of a team's service account.
    pub fn service_account_email(&self, team: &str) -> String {
        format!("{}@{}.iam.gserviceaccount.com", service_account_id(team), self.google.project)
    }

    /// The resource name of the provider: the `audience` of a token exchange.
    pub fn provider_name(&self, project_number: &str) -> String {
        let Self { federation, .. } = self;
        format!(
            "//iam.googleapis.com/{}/providers/{}",
            pool_path(project_number, &federation.pool),
            federation.provider
        )
    }

    /// The IAM member string of one federated subject.
    pub fn subject_member(&self, project_number: &str, subject: &str) -> String {
        let pool = pool_path(project_number, &self.federation.pool);
        format!("principal://iam.googleapis.com/{pool}/subject/{subject}")
    }

    /// The IAM member string of all holders of an app role, or members of a group.
    pub fn group_member(&self, project_number: &str, group: &str) -> String {
        let pool = pool_path(project_number, &self.federation.pool);
        format!("principalSet://iam.googleapis.com/{pool}/group/{group}")
    }

    /// Namespace and name of every declared service.
    pub fn serving(&self) -> impl Iterator<Item = (&str, &str)> {
        let namespaces: BTreeMap<&str, &str> =
            self.teams.iter().map(|team| (team.name.as_str(), team.namespace.as_str())).collect();
        self.services.iter().filter_map(move |service| {
            namespaces.get(service.team.as_str()).map(|namespace| (*namespace, service.name.as_str()))
        })
    }

    /// The repository that a team's images lie in: its own, or the one that all share.
    pub fn repository_of<'a>(&'a self, team: &'a Team) -> &'a str {
        team.repository.as_deref().unwrap_or(&self.google.repository)
    }

    /// The right that pushing a team's images takes.
    pub fn push_for(team: &Team) -> Right {
        if team.repository.is_some() { Right::PushFor(team.name.clone()) } else { Right::Push }
    }

    /// A declared team.
    pub fn team(&self, name: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.name == name)
    }
}

impl Google {
    /// The region of the location: a cluster may stand in one zone, a repository lies in a region.
    pub fn region(&self) -> &str {
        match self.location.rsplit_once('-') {
            Some((region, zone)) if zone.len() == 1 && zone.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                region
            }
            _ => &self.location,
        }
    }
}

/// The id of a team's service account: `gp-TEAM`.
pub fn service_account_id(team: &str) -> String {
    format!("gp-{team}")
}

/// The id of a workload's Google service account: `gpw-NAME`. Not the team's `gp-TEAM`: that one deploys.
pub fn workload_account_id(workload: &str) -> String {
    format!("gpw-{workload}")
}

/// Whether an account id is one of a workload's.
pub fn is_workload_account(id: &str) -> bool {
    id.starts_with("gpw-")
}

/// The subject of a Kubernetes service account's token.
pub fn kubernetes_subject(namespace: &str, service_account: &str) -> String {
    format!("system:serviceaccount:{namespace}:{service_account}")
}

fn pool_path(project_number: &str, pool: &str) -> String {
    format!("projects/{project_number}/locations/global/workloadIdentityPools/{pool}")
}
