//! The mends of scenarios that are other tools' commands: that each of them, run as printed by the tool itself, made its
//! scenario healthy, is recorded in `witness/scenarios/answers.json`; the suite holds what is printed to the record.
//!
//! `witness/scenarios/run.sh` asks the tools again and writes the record anew. `GANGPLANK_SCENARIOS` names a part of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::harbour::{Harbour, ended, source};
use crate::scenarios::{
    Expected, Scenario, ask, begin, filled, findings, folders, heals_now, is_played, read, shell, trouble,
};

/// What was recorded.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    /// Versions of the tools that were asked, by name.
    tools: BTreeMap<String, String>,
    /// By scenario: the command lines after which nothing was found any more.
    healed: BTreeMap<String, Vec<String>>,
    /// Beginnings of command lines that nobody ran, and why not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    not_asked: BTreeMap<String, String>,
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness/scenarios/answers.json")
}

fn record() -> Record {
    serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap()
}

fn others(scenario: &Scenario) -> impl Iterator<Item = &String> {
    scenario.expected.mends.iter().filter(|mend| !mend.starts_with("gangplank "))
}

#[test]
fn mends_by_other_tools_are_those_that_were_run() {
    let record = record();
    let mut strange = Vec::new();
    for scenario in folders().iter().filter(|folder| is_played(folder)).map(|folder| read(folder)) {
        let healed = record.healed.get(&scenario.name).cloned().unwrap_or_default();
        for mend in others(&scenario) {
            let not_asked = record.not_asked.keys().any(|start| mend.starts_with(start.as_str()));
            if !not_asked && !healed.contains(mend) {
                strange.push(format!("{}: {mend}", scenario.name));
            }
        }
    }
    assert!(strange.is_empty(), "not in witness/scenarios/answers.json:\n{}", strange.join("\n"));
}

#[test]
#[ignore = "needs gcloud, kubectl and az; writes the record anew"]
fn other_tools_heal_as_printed() {
    let wanted = std::env::var("GANGPLANK_SCENARIOS").unwrap_or_default();
    let mut asked = if wanted.is_empty() { Record { healed: BTreeMap::new(), ..record() } } else { record() };
    asked
        .tools
        .insert("gcloud".to_owned(), version(&["gcloud", "version", "--format=json"], "/Google Cloud SDK"));
    asked.tools.insert(
        "kubectl".to_owned(),
        version(&["kubectl", "version", "--client", "-o", "json"], "/clientVersion/gitVersion"),
    );
    asked.tools.insert("az".to_owned(), version(&["az", "version", "--output", "json"], "/azure-cli"));
    let mut failed = Vec::new();
    for scenario in folders().iter().filter(|folder| is_played(folder)).map(|folder| read(folder)) {
        for mend in others(&scenario) {
            let asks = !asked.not_asked.keys().any(|start| mend.starts_with(start.as_str()));
            if !asks || !scenario.name.contains(&wanted) {
                continue;
            }
            match heal(&scenario, mend) {
                Ok(()) => {
                    let healed = asked.healed.entry(scenario.name.clone()).or_default();
                    healed.retain(|it| it != mend);
                    healed.push(mend.clone());
                }
                Err(why) => failed.push(format!("=== {}: {mend}\n{why}", scenario.name)),
            }
        }
    }
    if std::env::var_os("GANGPLANK_WITNESS").is_some() {
        let text = serde_json::to_string_pretty(&asked).unwrap();
        std::fs::write(file(), text + "\n").unwrap();
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn version(command: &[&str], pointer: &str) -> String {
    let mut asked = Command::new(command[0]);
    asked.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let answer: Value = serde_json::from_str(&ended(asked).stdout).unwrap();
    answer
        .pointer(pointer)
        .or(answer.get(pointer.trim_start_matches('/')))
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// Lets the trouble happen, runs the command as it is printed, and looks whether anything is found still.
fn heal(scenario: &Scenario, mend: &str) -> Result<(), String> {
    let harbour = begin(scenario)?;
    let by_azure_cli = mend.starts_with("az ");
    if by_azure_cli {
        log_in(&harbour)?;
    }
    trouble(&harbour, scenario)?;
    let mut command = shell(&harbour, mend);
    if let Some(who) = &scenario.expected.who {
        source(&mut command, &harbour.file(&format!("{who}.env")));
    }
    command.envs(scenario.expected.env.iter().map(|(name, value)| (name, filled(&harbour, value))));
    command.envs(if by_azure_cli { azure(&harbour, &command) } else { gcloud(&harbour) });
    finish(command)?;
    is_gone(&harbour, scenario)?;
    let healed = heals_now(&harbour, scenario, mend);
    // What takes away a member that is nobody's comes after the mend that gives what is right.
    if healed.is_err()
        && mend.contains("remove-iam-policy-binding")
        && scenario.expected.mends[0] == "gangplank apply"
    {
        harbour.run(&["apply"]).expect_code(0);
        return heals_now(&harbour, scenario, mend);
    }
    healed
}

fn finish(command: Command) -> Result<(), String> {
    let ran = ended(command);
    if ran.code == 0 {
        return Ok(());
    }
    Err(format!("ended with {}\n{}{}", ran.code, ran.stdout, ran.stderr))
}

/// Asked in the scenario's own environment, before anything else is done by hand, the finding must be gone.
fn is_gone(harbour: &Harbour, scenario: &Scenario) -> Result<(), String> {
    let Expected { asks, who, env, finding, .. } = &scenario.expected;
    let answer = ask(harbour, asks, who.as_deref(), env).json();
    if findings(&answer).contains(finding) { Err(format!("still found\n{answer:#}")) } else { Ok(()) }
}

/// The Azure CLI's log-in: the machine with a certificate, made an administrator of both the directory and the subscription.
fn log_in(harbour: &Harbour) -> Result<(), String> {
    let loaded = harbour.runtime.block_on(harbour.sandbox.load(&administrator().to_string()));
    loaded.map_err(|problems| problems.iter().map(ToString::to_string).collect::<String>())?;
    let addresses = harbour.sandbox.addresses();
    let (graph, tenant) = (addresses.graph, sandbox::seed::TENANT);
    let cloud = format!(
        "az cloud register --name harbour --skip-endpoint-discovery --endpoint-resource-manager https://{}/ \
         --endpoint-active-directory https://{} --endpoint-active-directory-resource-id https://management.core.windows.net/ \
         --endpoint-microsoft-graph-resource-id https://{graph} --endpoint-active-directory-graph-resource-id https://{graph}",
        addresses.resource_manager, addresses.entra
    );
    // The file is read again for every token, in whichever folder.
    let certificate = harbour.file("certificate-ci.pem").display().to_string();
    let client = sandbox::seed::CERTIFICATE_CI.client_id;
    let log_in = format!(
        "az login --service-principal --username {client} --certificate {certificate} --tenant {tenant}"
    );
    let mut command = shell(harbour, &format!("{cloud} && az cloud set --name harbour && {log_in}"));
    command.envs(azure(harbour, &command));
    finish(command)
}

/// A world in which the machine holds app roles of Graph's, and is Owner of the subscription.
fn administrator() -> Value {
    let machine = "05d6e7f8-192a-4b3c-865d-7e8f9aabbccd";
    let given = |role: &str| {
        json!({
            "service": "graph",
            "method": "POST",
            "path": format!("/v1.0/servicePrincipals/{machine}/appRoleAssignments"),
            "body": {
                "principalId": machine,
                "resourceId": "3b1f4c7e-90a2-4d5b-8c6e-7f0a1b2c3d02",
                "appRoleId": role,
            },
        })
    };
    json!({
        "apiVersion": "gangplank.dev/v1alpha1",
        "kind": "World",
        "roleAssignments": [{
            "principal": "certificate-ci",
            "role": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
            "scope": "/subscriptions/${subscription}",
        }],
        "requests": [
            // `Application.ReadWrite.All` and `AppRoleAssignment.ReadWrite.All`.
            given("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9"),
            given("06b708a9-e830-4db3-a914-8e69da51d44f"),
        ],
    })
}

/// What makes the Azure CLI speak to the sandbox. The stand-in in the sandbox's folder stays behind the real one, for
/// `gangplank`, too.
fn azure(harbour: &Harbour, command: &Command) -> Vec<(String, String)> {
    let known = std::env::var("PATH").unwrap();
    let real = std::env::split_paths(&known).find(|folder| folder.join("az").is_file());
    let real = real.unwrap_or_else(|| panic!("az is needed")).display().to_string();
    let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value).unwrap();
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        set("PATH", &format!("{real}:{}", path.display())),
        set("AZURE_CONFIG_DIR", &harbour.file("azure").display().to_string()),
        set("AZURE_CORE_INSTANCE_DISCOVERY", "false"),
        set("AZURE_CORE_COLLECT_TELEMETRY", "false"),
    ]
}

/// What makes gcloud speak to the sandbox, as its administrator.
fn gcloud(harbour: &Harbour) -> Vec<(String, String)> {
    let addresses = harbour.sandbox.addresses();
    let at = |name: &str, address: &dyn std::fmt::Display| {
        (format!("CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}"), format!("http://{address}/"))
    };
    let set = |name: &str, value: String| (format!("CLOUDSDK_{name}"), value);
    vec![
        set("CONFIG", harbour.file("gcloud").display().to_string()),
        set("CORE_PROJECT", sandbox::seed::PROJECT.to_owned()),
        set("CORE_DISABLE_PROMPTS", "1".to_owned()),
        set("CORE_DISABLE_USAGE_REPORTING", "1".to_owned()),
        set("COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "1".to_owned()),
        set("AUTH_CREDENTIAL_FILE_OVERRIDE", harbour.file("adc.json").display().to_string()),
        set("AUTH_TOKEN_HOST", format!("http://{}/token", addresses.oauth2)),
        at("IAM", &addresses.iam),
        at("IAMCREDENTIALS", &addresses.iam_credentials),
        at("ARTIFACTREGISTRY", &addresses.artifact_registry),
        at("CLOUDRESOURCEMANAGER", &addresses.cloud_resource_manager),
        at("CONTAINER", &addresses.container),
        at("SERVICEUSAGE", &addresses.service_usage),
        ("KUBECONFIG".to_owned(), harbour.file("kubeconfig").display().to_string()),
    ]
}
