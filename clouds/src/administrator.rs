//! An administrator: somebody who sets up both clouds and the cluster with log-ins of her own.

use std::path::PathBuf;

use bridge::can::{Assignment, Rbac, Viewer};
use bridge::import::{Survey, Trust};
use bridge::inventory::{Facts, Inventory};
use bridge::plan::{Change, Missing, Need, Outputs};
use bridge::port::{PortError, PortResult, Refused, SetUp};
use bridge::resource::{GrantTarget, Resource};
use bridge::spec::{Bridge, Via};
use identity::TokenError;
use identity::source::{self, EntraSource, Preference, SourceKind};
use tokio::sync::OnceCell;
use trust::iam::{DenyPolicy, Policy};

use crate::caller::{Settings, client, entra_source, no_log_in};
use crate::{azure, error, google, kubernetes};

/// An administrator's way to both clouds and the cluster.
pub struct Administrator {
    azure: azure::SetUp,
    google: google::SetUp,
    /// Reached on first use: a plan names what is wrong with the clouds before it needs a cluster.
    cluster: OnceCell<kubernetes::SetUp>,
    way: WayIn,
    entra_login: EntraSource,
    google_login: source::Administrator,
}

/// How the cluster is reached.
enum WayIn {
    Kubeconfig { file: PathBuf, context: Option<String> },
    Lookup(Box<Bridge>),
}

impl Administrator {
    /// An administrator with the log-ins that the environment holds. Must be called inside a Tokio runtime.
    pub async fn connect(bridge: &Bridge, settings: &Settings) -> PortResult<Self> {
        let http = client(settings)?;
        let entra_login =
            entra_source(bridge, settings, Preference::Administrator, &http).map_err(no_log_in)?;
        let google_login = source::administrator_google(&settings.environment)
            .map_err(|refused| error::no_token(&TokenError::ApplicationDefault(refused)))?;
        Ok(Self {
            azure: azure::SetUp::new(bridge, entra_login.clone(), http.clone())?,
            google: google::SetUp::new(bridge, &google_login, http).await?,
            cluster: OnceCell::new(),
            way: WayIn::of(bridge, settings),
            entra_login,
            google_login,
        })
    }

    /// The log-in on the Azure side.
    pub fn azure_login(&self) -> &SourceKind {
        &self.entra_login.kind
    }

    /// The log-in on the Google side.
    pub fn google_login(&self) -> &source::Administrator {
        &self.google_login
    }

    /// The cluster, as the administrator.
    pub async fn cluster(&self) -> PortResult<kubernetes::Cluster> {
        match &self.way {
            WayIn::Kubeconfig { file, context } => {
                kubernetes::Cluster::from_kubeconfig(file, context.as_deref()).await
            }
            WayIn::Lookup(bridge) => {
                let address = self.google.cluster(bridge).await?;
                kubernetes::Cluster::at(&address, self.google_login.bearer.clone())
            }
        }
    }

    async fn kubernetes(&self) -> PortResult<&kubernetes::SetUp> {
        let connect = || async { Ok(kubernetes::SetUp::new(self.cluster().await?)) };
        self.cluster.get_or_try_init(connect).await
    }

    /// What the Google side has, whoever made it.
    pub async fn survey(&self, bridge: &Bridge) -> PortResult<Survey> {
        let mut survey = Survey::default();
        match self.google.survey(bridge, &mut survey).await {
            Err(refused) => Err(self.explained(bridge, refused).await),
            Ok(()) => Ok(survey),
        }
    }

    /// Adds what the Azure side and the cluster have to do with the trust that was chosen.
    pub async fn survey_beyond(&self, bridge: &Bridge, trust: &Trust, survey: &mut Survey) -> PortResult<()> {
        self.azure.survey(bridge, trust, survey).await?;
        self.kubernetes().await?.survey(survey).await
    }

    /// A service that is switched off is seldom the only one.
    async fn explained(&self, bridge: &Bridge, refused: PortError) -> PortError {
        if refused.code.as_deref() == Some(google::SERVICE_DISABLED) {
            return self.google.name_disabled(bridge, refused).await;
        }
        refused
    }

    async fn observe_cluster(
        &self,
        bridge: &Bridge,
        wanted: &[Resource],
        inventory: &mut Inventory,
    ) -> PortResult<()> {
        self.kubernetes().await?.observe(bridge, wanted, inventory).await
    }

    async fn missing_in_cluster(&self, needs: &[Need]) -> PortResult<Vec<Missing>> {
        if !needs.iter().any(|need| matches!(need, Need::Kubernetes { .. })) {
            return Ok(Vec::new());
        }
        self.kubernetes().await?.missing(needs).await
    }
}

impl WayIn {
    fn of(bridge: &Bridge, settings: &Settings) -> Self {
        let named = settings.kubeconfig.clone();
        // kubectl merges several files; whoever has several names one.
        let variable = settings
            .environment
            .get("KUBECONFIG")
            .and_then(|all| std::env::split_paths(all).find(|file| !file.as_os_str().is_empty()));
        match named.or(variable) {
            Some(file) => Self::Kubeconfig { file, context: settings.context.clone() },
            None => Self::Lookup(Box::new(bridge.clone())),
        }
    }
}

impl SetUp for Administrator {
    async fn facts(&self, bridge: &Bridge) -> PortResult<Facts> {
        let (mut facts, mut googles) = (Facts::default(), Facts::default());
        let (azure, google) =
            tokio::join!(self.azure.facts(bridge, &mut facts), self.google.facts(bridge, &mut googles));
        azure?;
        if let Err(refused) = google {
            return Err(self.explained(bridge, refused).await);
        }
        check_number(bridge, &googles.project_number)?;
        facts.project_number = googles.project_number;
        facts.node_service_account = googles.node_service_account;
        facts.workload_pool = googles.workload_pool;
        facts.unique_ids = googles.unique_ids;
        if bridge.workloads.iter().any(|workload| workload.via == Via::Cluster) {
            facts.cluster_issuer = self.cluster().await?.issuer().await?;
        }
        Ok(facts)
    }

    async fn observe(&self, bridge: &Bridge, facts: &Facts, wanted: &[Resource]) -> PortResult<Inventory> {
        let [mut inventory, mut googles, mut clusters] = <[Inventory; 3]>::default();
        let (azure, google, cluster) = tokio::join!(
            self.azure.observe(bridge, facts, wanted, &mut inventory),
            self.google.observe(bridge, facts, wanted, &mut googles),
            self.observe_cluster(bridge, wanted, &mut clusters),
        );
        azure?;
        if let Err(refused) = google {
            return Err(self.explained(bridge, refused).await);
        }
        cluster?;
        inventory.found.extend(googles.found);
        inventory.found.extend(clusters.found);
        Ok(inventory)
    }

    async fn missing(&self, bridge: &Bridge, needs: &[Need]) -> PortResult<Vec<Missing>> {
        let (azure, google, cluster) = tokio::join!(
            self.azure.missing(needs),
            self.google.missing(bridge, needs),
            self.missing_in_cluster(needs),
        );
        Ok([azure?, google?, cluster?].concat())
    }

    async fn perform(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        change: &Change,
        outputs: &mut Outputs,
    ) -> PortResult<()> {
        match change.action.resource() {
            Resource::Application(_)
            | Resource::ServicePrincipal(_)
            | Resource::AppRoleAssignment(_)
            | Resource::ManagedIdentity(_)
            | Resource::FederatedCredential(_)
            | Resource::RoleAssignment(_) => self.azure.perform(bridge, facts, change, outputs).await,
            Resource::Pool(_)
            | Resource::Provider(_)
            | Resource::ServiceAccount(_)
            | Resource::Grant(_)
            | Resource::Repository(_) => self.google.perform(bridge, change, outputs).await,
            Resource::Kubernetes(_) => self.kubernetes().await?.perform(bridge, change, outputs).await,
        }
    }
}

/// An administrator's eyes: whatever her log-ins may read.
pub struct Sight<'a> {
    /// Who looks.
    pub administrator: &'a Administrator,
    /// At what.
    pub bridge: &'a Bridge,
}

impl Viewer for Sight<'_> {
    async fn facts(&self) -> PortResult<Facts> {
        self.administrator.facts(self.bridge).await
    }

    async fn policy(&self, target: &GrantTarget) -> PortResult<Policy> {
        self.administrator.google.policy(self.bridge, target).await
    }

    async fn deny_policies(&self) -> PortResult<Vec<DenyPolicy>> {
        self.administrator.google.deny_policies(self.bridge).await
    }

    async fn rbac(&self) -> PortResult<Rbac> {
        self.administrator.cluster().await?.rbac().await
    }

    async fn assignments(&self, scope: &str) -> PortResult<Vec<Assignment>> {
        self.administrator.azure.assignments(scope).await
    }
}

/// A wrong number in the bridge file would make a federation that nobody can use.
fn check_number(bridge: &Bridge, found: &str) -> PortResult<()> {
    let declared = &bridge.google.project_number;
    if declared == found {
        return Ok(());
    }
    let project = &bridge.google.project;
    let problem = format!(
        "the bridge file says `projectNumber: {declared}`, but project `{project}` has the number `{found}`; correct it"
    );
    Err(error::own("Cloud Resource Manager", Refused::Invalid, problem))
}
