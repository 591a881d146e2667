//! A first bridge file, commented, for somebody who has none yet.

use crate::spec::AzureCloud;

/// What a first bridge file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// `metadata.name`.
    pub name: String,
    /// Which Azure.
    pub cloud: AzureCloud,
    /// Entra tenant.
    pub tenant: String,
    /// Azure subscription.
    pub subscription: String,
    /// Resource group of the workspace.
    pub resource_group: String,
    /// Azure ML workspace.
    pub workspace: String,
    /// Google project id.
    pub project: String,
    /// Google project number.
    pub project_number: String,
    /// Region or zone of the cluster.
    pub location: String,
    /// GKE cluster.
    pub cluster: String,
    /// Artifact Registry repository.
    pub repository: String,
    /// Workload identity pool.
    pub pool: String,
    /// Provider in the pool.
    pub provider: String,
    /// Display name of the Entra application, where it is not `gangplank-NAME`.
    pub application: Option<String>,
    /// Datastores that models are read from besides the default one.
    pub datastores: Vec<String>,
    /// The first team, if there is one already.
    pub team: Option<FirstTeam>,
    /// An `endpoints:` block, taken over as it is.
    pub endpoints: Option<String>,
}

/// The first team, and who deploys for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstTeam {
    /// Its name.
    pub name: String,
    /// Which models it may serve, `*` matches any run of characters.
    pub models: String,
    /// Client id of the service principal that ships for it.
    pub service_principal: Option<String>,
}

impl Starter {
    /// The file's text. Not checked: [`crate::file::parse`] does that.
    pub fn text(&self) -> String {
        let mut text = self.clouds();
        text.push_str(&self.people());
        text.push_str(&self.endpoints_block());
        text
    }

    /// The `endpoints:` block, with an empty line before it; nothing if there is none.
    pub(crate) fn endpoints_block(&self) -> String {
        self.endpoints.as_ref().map_or_else(String::new, |it| format!("\n{}\n", it.trim_end()))
    }

    /// Everything but people: both clouds, and the trust between them.
    pub(crate) fn clouds(&self) -> String {
        let cloud = match self.cloud {
            AzureCloud::Public => "public",
            AzureCloud::UsGovernment => "usGovernment",
            AzureCloud::China => "china",
        };
        format!(
            "\
# The bridge between Azure ML and GKE. `gangplank plan` says what is missing on both clouds, `gangplank apply` makes it.
# Every key is explained in docs/bridge-file.md; no key or secret belongs in here.
apiVersion: gangplank.dev/v1alpha1
kind: Bridge
metadata:
  # Marks everything that the bridge makes; changing it later makes everything anew.
  name: {name}

# Where models come from.
azure:
  cloud: {cloud}
  tenant: {tenant}
  subscription: {subscription}
  resourceGroup: {group}
  workspace: {workspace}
{datastores}
# Where they go.
google:
  project: {project}
  # Google's STS takes the number, not the id.
  projectNumber: \"{number}\"
  # The cluster's region or zone; the repository lies in its region.
  location: {location}
  cluster: {cluster}
  repository: {repository}

# The trust between the two: who holds a token of this Entra application may be let across.
federation:
  pool: {pool}
  provider: {provider}
{application}",
            datastores = self.datastores_line(),
            pool = plain(&self.pool),
            provider = plain(&self.provider),
            application = self.application_line(),
            name = plain(&self.name),
            tenant = plain(&self.tenant),
            subscription = plain(&self.subscription),
            group = plain(&self.resource_group),
            workspace = plain(&self.workspace),
            project = plain(&self.project),
            number = self.project_number.replace(['"', '\\'], ""),
            location = plain(&self.location),
            cluster = plain(&self.cluster),
            repository = plain(&self.repository),
        )
    }

    fn datastores_line(&self) -> String {
        let datastores: Vec<String> = self.datastores.iter().map(|name| plain(name)).collect();
        if datastores.is_empty() {
            String::new()
        } else {
            format!("  datastores: [{}]\n", datastores.join(", "))
        }
    }

    fn application_line(&self) -> String {
        let conventional = format!("gangplank-{}", self.name);
        let other = self.application.as_ref().filter(|name| **name != conventional);
        other.map_or_else(String::new, |name| format!("  application: {}\n", plain(name)))
    }

    fn people(&self) -> String {
        let Some(team) = &self.team else {
            return format!("\n{}{}{}", commented(CALLERS), commented(TEAMS), SERVICES);
        };
        let name = plain(&team.name);
        let callers = match &team.service_principal {
            Some(client_id) => format!(
                "\
# Who may come across, and what they may do there.
identities:
  - name: {name}-ci
    servicePrincipal: {id}
    may: [push, \"deploy:{bare}\"]
",
                id = plain(client_id),
                bare = team.name.replace(['"', '\\'], ""),
            ),
            None => commented(CALLERS),
        };
        format!(
            "
{callers}
# The tenants of the cluster: each gets a namespace and a service account, and may serve these models and no others.
teams:
  - name: {name}
    namespace: {namespace}
    models: [{models}]
    # quota: {{ cpu: \"8\", memory: 8Gi, pods: 20 }}
{SERVICES}",
            namespace = plain(&format!("team-{}", team.name)),
            models = quoted(&team.models),
        )
    }
}

const CALLERS: &str = "\
Who may come across, and what they may do there: an application (servicePrincipal: CLIENT-ID), a managed identity
(managedIdentity: OBJECT-ID), holders of an app role (appRole: NAME, members: [CLIENT-ID]) or a group (group: OBJECT-ID).
identities:
  - name: oncology-ci
    servicePrincipal: 00000000-0000-0000-0000-000000000000
    may: [push, \"deploy:oncology\"]
";
const TEAMS: &str = "\
The tenants of the cluster: each gets a namespace and a service account, and may serve these models and no others.
teams:
  - name: oncology
    namespace: team-oncology
    models: [\"breast-cancer*\"]
";
const SERVICES: &str = "
# The models being served. `gangplank ship MODEL` carries one over.
# services:
#   - name: breast-cancer
#     team: oncology
#     model: breast-cancer@latest
#     runtime: auto
";

fn commented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("# {line}")).collect();
    lines.join("\n") + "\n"
}

/// A value as it is where YAML takes it for text, else in quotes.
pub(crate) fn plain(text: &str) -> String {
    let first = text.bytes().next().is_some_and(|it| it.is_ascii_alphabetic());
    let rest = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    // What YAML 1.1 takes for a truth value or nothing.
    let word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .contains(&text.to_ascii_lowercase().as_str());
    if first && rest && !word { text.to_owned() } else { quoted(text) }
}

/// A value in quotes: JSON's are YAML's.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The `endpoints:` block of another bridge file, with its comments.
pub fn endpoints_of(text: &str) -> Option<String> {
    let mut block = String::new();
    let is_key = |line: &str| line.starts_with(|first: char| first.is_ascii_alphabetic());
    for line in text.lines().skip_while(|line| !line.starts_with("endpoints:")) {
        if !block.is_empty() && is_key(line) {
            break;
        }
        block.push_str(line);
        block.push('\n');
    }
    (!block.is_empty()).then_some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starter() -> Starter {
        Starter {
            name: "harbour".to_owned(),
            cloud: AzureCloud::Public,
            tenant: "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10".to_owned(),
            subscription: "7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31".to_owned(),
            resource_group: "rg-quay".to_owned(),
            workspace: "quay".to_owned(),
            project: "harbour-sandbox".to_owned(),
            project_number: "412907655821".to_owned(),
            location: "europe-west4".to_owned(),
            cluster: "ship".to_owned(),
            repository: "models".to_owned(),
            pool: "gangplank".to_owned(),
            provider: "entra".to_owned(),
            application: None,
            datastores: Vec::new(),
            team: None,
            endpoints: None,
        }
    }

    #[test]
    fn what_is_written_is_a_bridge() {
        let bridge = crate::file::parse("bridge.yaml", &starter().text()).unwrap();
        assert_eq!((bridge.name.as_str(), bridge.teams.len()), ("harbour", 0));
        assert_eq!(bridge.federation.application, "gangplank-harbour");

        let team = FirstTeam {
            name: "oncology".to_owned(),
            models: "breast-cancer*".to_owned(),
            service_principal: Some("a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01".to_owned()),
        };
        let endpoints = Some("endpoints:\n  # ours\n  sts: http://127.0.0.1:1\n".to_owned());
        for cloud in [AzureCloud::Public, AzureCloud::UsGovernment, AzureCloud::China] {
            let (team, endpoints) = (Some(team.clone()), endpoints.clone());
            let text = Starter { cloud, team, endpoints, ..starter() }.text();
            let bridge =
                crate::file::parse("bridge.yaml", &text).unwrap_or_else(|it| panic!("{it:?}\n{text}"));
            assert_eq!(bridge.azure.cloud, cloud);
            assert_eq!(bridge.teams[0].namespace, "team-oncology");
            assert_eq!(bridge.identities[0].may.len(), 2);
            assert_eq!(bridge.endpoints.sts.as_deref(), Some("http://127.0.0.1:1"));
        }
    }

    #[test]
    fn odd_values_are_quoted_and_change_nothing_else() {
        for odd in ["no", "1e3", "a: b", "x # y", "\"", "a\nb", "", "[x]", "ü"] {
            let text = Starter { resource_group: odd.to_owned(), ..starter() }.text();
            match crate::file::parse("bridge.yaml", &text) {
                Ok(bridge) => assert_eq!(bridge.azure.resource_group, odd),
                Err(problems) => {
                    assert!(problems.iter().all(|it| it.message.contains("resource")), "{problems:?}");
                }
            }
        }
    }

    #[test]
    fn endpoints_are_taken_over_from_another_file() {
        let text = "a: 1\nendpoints:\n  # x\n  sts: http://127.0.0.1:1\n\nteams: []\n";
        assert_eq!(endpoints_of(text).as_deref(), Some("endpoints:\n  # x\n  sts: http://127.0.0.1:1\n\n"));
        assert_eq!(endpoints_of("a: 1\n"), None);
    }
}
