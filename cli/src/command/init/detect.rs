//! What this machine already knows about both clouds: the Azure CLI, gcloud's configuration, the kubeconfig.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use identity::Environment;
use serde_json::Value;

use super::Values;
use crate::edge;

/// Value and where it is from, by the name of the field.
pub(super) type Detected = BTreeMap<&'static str, (String, String)>;

/// Command-line tools of both clouds are Python programs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks everywhere; what is not there is not an error.
pub(super) async fn all(environment: &Environment, given: &Values, kubeconfig: Option<&Path>) -> Detected {
    let mut found = Detected::new();
    let azure = home(environment, "AZURE_CONFIG_DIR", ".azure");
    if let Some(text) = said("az", &["account", "show", "--output", "json"]).await {
        add(&mut found, "`az account show`", azure_account(&text));
    }
    if let Some(text) = azure.and_then(|folder| text(&folder.join("config"))) {
        add(&mut found, "the Azure CLI's defaults", azure_defaults(&text));
    }
    let kubeconfig = kubeconfig
        .map(Path::to_owned)
        .or_else(|| environment.get("HOME").map(|home| Path::new(home).join(".kube/config")));
    if let Some(text) = kubeconfig.and_then(|file| text(&file)) {
        add(&mut found, "the kubeconfig's current context", kubernetes_context(&text));
    }
    for variable in ["CLOUDSDK_CORE_PROJECT", "GOOGLE_CLOUD_PROJECT"] {
        if let Some(project) = environment.get(variable) {
            add(&mut found, &format!("`{variable}`"), vec![("project", project.to_owned())]);
        }
    }
    if let Some(folder) = home(environment, "CLOUDSDK_CONFIG", ".config/gcloud") {
        let named = environment.get("CLOUDSDK_ACTIVE_CONFIG_NAME").map(str::to_owned);
        let active = named.or_else(|| text(&folder.join("active_config")));
        let active = active.map_or_else(|| "default".to_owned(), |name| name.trim().to_owned());
        if let Some(text) = text(&folder.join(format!("configurations/config_{active}"))) {
            add(&mut found, &format!("gcloud's configuration `{active}`"), gcloud(&text));
        }
    }
    let project = given.get("project").or_else(|| found.get("project").map(|(project, _)| project)).cloned();
    if let Some(project) = project.filter(|_| !given.contains_key("project-number")) {
        let ask = ["projects", "describe", &project, "--format=value(projectNumber)"];
        let number = said("gcloud", &ask).await.map(|text| text.trim().to_owned());
        let number = number.filter(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.map(|number| ("project-number", number));
        add(&mut found, "`gcloud projects describe`", number.into_iter().collect());
    }
    found
}

/// What was found first stays.
fn add(found: &mut Detected, from: &str, values: Vec<(&'static str, String)>) {
    for (name, value) in values {
        if !value.is_empty() {
            found.entry(name).or_insert_with(|| (value, from.to_owned()));
        }
    }
}

/// The answer of a command, if there is one.
async fn said(command: &str, arguments: &[&str]) -> Option<String> {
    let mut child = tokio::process::Command::new(command);
    child.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, child.output()).await.ok()?.ok()?;
    tracing::debug!(command, ok = output.status.success(), "asked a command");
    output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
}

fn home(environment: &Environment, variable: &str, below: &str) -> Option<PathBuf> {
    let named = environment.get(variable).map(PathBuf::from);
    named.or_else(|| Some(Path::new(environment.get("HOME")?).join(below)))
}

fn text(path: &Path) -> Option<String> {
    String::from_utf8(edge::read(path).ok()?).ok()
}

/// `az account show`.
fn azure_account(text: &str) -> Vec<(&'static str, String)> {
    let account: Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| account.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    // The names that the CLI gives the clouds: `az cloud list`.
    let cloud = match field("environmentName").as_str() {
        "AzureCloud" => "public",
        "AzureUSGovernment" => "usGovernment",
        "AzureChinaCloud" => "china",
        _ => "",
    };
    vec![("tenant", field("tenantId")), ("subscription", field("id")), ("cloud", cloud.to_owned())]
}

/// `~/.azure/config`, as `az configure --defaults group=… workspace=…` writes it.
fn azure_defaults(text: &str) -> Vec<(&'static str, String)> {
    let value = |key: &str| ini(text, "defaults", key).unwrap_or_default();
    vec![("resource-group", value("group")), ("workspace", value("workspace"))]
}

/// A configuration of gcloud's.
fn gcloud(text: &str) -> Vec<(&'static str, String)> {
    let value = |section: &str, key: &str| ini(text, section, key);
    let location = value("compute", "zone").or_else(|| value("compute", "region")).unwrap_or_default();
    vec![
        ("project", value("core", "project").unwrap_or_default()),
        ("cluster", value("container", "cluster").unwrap_or_default()),
        ("location", location),
    ]
}

/// The current context, if it is one that gcloud wrote: `gke_PROJECT_LOCATION_CLUSTER`. No part holds an underscore.
fn kubernetes_context(text: &str) -> Vec<(&'static str, String)> {
    let config: Value = serde_saphyr::from_str(text).unwrap_or_default();
    let context = config.get("current-context").and_then(Value::as_str).unwrap_or_default();
    let parts: Vec<&str> = context.split('_').collect();
    let ["gke", project, location, cluster] = parts.as_slice() else { return Vec::new() };
    let own = |text: &str| text.to_owned();
    vec![("project", own(project)), ("location", own(location)), ("cluster", own(cluster))]
}

/// A value of an INI file.
fn ini(text: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = name == section;
        } else if inside
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == key
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_own_files_are_understood() {
        let account =
            r#"{"environmentName":"AzureUSGovernment","id":"sub","tenantId":"ten","isDefault":true}"#;
        assert_eq!(
            azure_account(account),
            [("tenant", "ten"), ("subscription", "sub"), ("cloud", "usGovernment")].map(own)
        );
        assert!(azure_account("no json").iter().all(|(_, value)| value.is_empty()));
        let defaults = "[cloud]\nname = AzureCloud\n\n[defaults]\ngroup = rg-quay\nworkspace=quay\n";
        assert_eq!(azure_defaults(defaults), [("resource-group", "rg-quay"), ("workspace", "quay")].map(own));
        let configuration = "[core]\naccount = me\nproject = harbour\n[compute]\nregion = europe-west4\n";
        assert_eq!(
            gcloud(configuration),
            [("project", "harbour"), ("cluster", ""), ("location", "europe-west4")].map(own)
        );
    }

    #[test]
    fn only_a_context_that_gcloud_wrote_names_a_cluster() {
        let context = |name: &str| kubernetes_context(&format!("apiVersion: v1\ncurrent-context: {name}\n"));
        assert_eq!(
            context("gke_harbour-1_europe-west4-a_ship"),
            [("project", "harbour-1"), ("location", "europe-west4-a"), ("cluster", "ship")].map(own)
        );
        for other in ["minikube", "gke_a_b", "gke_a_b_c_d", "\"\""] {
            assert_eq!(context(other), Vec::new(), "{other}");
        }
        assert_eq!(kubernetes_context("\t: ["), Vec::new());
    }

    fn own((name, value): (&'static str, &str)) -> (&'static str, String) {
        (name, value.to_owned())
    }
}
