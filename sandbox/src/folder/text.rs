//! The texts in the sandbox's folder: bridge file, kubeconfig, shell lines.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::seed;
use crate::world::Addresses;

/// The bridge file for the seeded world.
pub(super) fn bridge(addresses: &Addresses) -> String {
    format!("{}{}{}", clouds(), people(), endpoints(addresses))
}

fn clouds() -> String {
    format!(
        "\
# The bridge between the sandbox's two clouds.
apiVersion: gangplank.dev/v1alpha1
kind: Bridge
metadata:
  name: harbour

azure:
  cloud: public
  tenant: {tenant}
  subscription: {subscription}
  resourceGroup: {group}
  workspace: {workspace}

google:
  project: {project}
  projectNumber: \"{number}\"
  location: {location}
  cluster: {cluster}
  repository: models

federation:
  pool: gangplank
  provider: entra
  application: {application}
",
        tenant = seed::TENANT,
        subscription = seed::SUBSCRIPTION,
        group = seed::RESOURCE_GROUP,
        workspace = seed::WORKSPACE,
        project = seed::PROJECT,
        number = seed::PROJECT_NUMBER,
        location = seed::LOCATION,
        cluster = seed::CLUSTER,
        application = seed::APPLICATION,
    )
}

fn people() -> String {
    format!(
        "
identities:
  - name: oncology-ci
    servicePrincipal: {oncology}
    may: [push, \"deploy:oncology\"]
  - name: cellar-deployers
    appRole: Cellar.Deployer
    members: [{cellar}]
    may: [push, \"deploy:cellar\"]

teams:
  - name: oncology
    namespace: team-oncology
    labels: {{ cost-centre: \"4711\" }}
    models: [\"breast-cancer*\"]
    quota: {{ cpu: \"8\", memory: 8Gi, pods: 20 }}
    callers: [clinic]
  - name: cellar
    namespace: team-cellar
    models: [\"Wine_*\"]
    quota: {{ cpu: \"4\", memory: 4Gi, pods: 10 }}

services:
  - name: breast-cancer
    team: oncology
    model: breast-cancer:1
    runtime: onnx
    scaling: {{ min: 2, max: 4, cpuPercent: 70 }}
    expose: cluster
    resources: {{ cpu: 100m, memory: 128Mi }}
    sample: samples/breast-cancer.json
  - name: wine-cultivar
    team: cellar
    model: Wine_Cultivar@latest
    runtime: onnx
    scaling: {{ min: 1, max: 3, cpuPercent: 70 }}
    expose: cluster
    resources: {{ cpu: 100m, memory: 128Mi }}
    sample: samples/Wine_Cultivar.json
",
        oncology = seed::ONCOLOGY_CI.client_id,
        cellar = seed::CELLAR_CI.client_id,
    )
}

fn endpoints(addresses: &Addresses) -> String {
    format!(
        "
endpoints:
  caBundle: ca.pem
  entra: https://{entra}
  graph: https://{graph}
  resourceManager: https://{manager}
  blob: https://{blob}/{{account}}
  acr: http://{acr}
  mlRegistry: https://{manager}
  sts: http://{sts}
  iam: http://{iam}
  iamCredentials: http://{iam_credentials}
  cloudResourceManager: http://{cloud_resource_manager}
  artifactRegistry: http://{artifact_registry}
  registry: http://{registry}
  container: http://{container}
  accounts: https://{accounts}
  cloudKms: http://{cloud_kms}
",
        entra = addresses.entra,
        graph = addresses.graph,
        manager = addresses.resource_manager,
        blob = addresses.blob,
        acr = addresses.acr,
        sts = addresses.sts,
        iam = addresses.iam,
        iam_credentials = addresses.iam_credentials,
        cloud_resource_manager = addresses.cloud_resource_manager,
        artifact_registry = addresses.artifact_registry,
        registry = addresses.registry,
        container = addresses.container,
        accounts = addresses.accounts,
        cloud_kms = addresses.cloud_kms,
    )
}

/// The cluster administrator's kubeconfig.
pub(super) fn kubeconfig(addresses: &Addresses, certificate: &str, folder: &Path) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": seed::CLUSTER, "cluster": {
            "server": format!("https://{}", addresses.cluster),
            "certificate-authority-data": STANDARD.encode(certificate),
        } }],
        "users": [{ "name": "cluster-admin", "user": { "tokenFile": folder.join("cluster-admin.token") } }],
        "contexts": [{ "name": "sandbox", "context": { "cluster": seed::CLUSTER, "user": "cluster-admin" } }],
        "current-context": "sandbox",
    });
    // JSON is YAML.
    format!("{config:#}\n")
}

/// Shell lines for `source`. `NO_PROXY` and `PATH` keep what the shell has.
pub(super) fn environment(pairs: &[(String, String)], tools: &Path) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        let quoted = quote(value);
        let _never_fails = match name.as_str() {
            "NO_PROXY" => writeln!(text, "export NO_PROXY={quoted}\"${{NO_PROXY:+,$NO_PROXY}}\""),
            _ => writeln!(text, "export {name}={quoted}"),
        };
    }
    let _never_fails = writeln!(text, "unset AZURE_CLIENT_SECRET");
    let _never_fails = writeln!(text, "export PATH={}:\"$PATH\"", quote(&tools.display().to_string()));
    text
}

/// Text in single quotes for a shell.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
