//! The mends of scenarios that are other tools' commands: that each of them, run as printed by the tool itself, made its
//! scenario healthy, is recorded in `witness/scenarios/answers.json`; the suite holds what is printed to the record.
//!
//! `GANGPLANK_WITNESS=1 cargo test -p gangplank --test commands -- --ignored other_tools` asks the tools again and writes
//! the record anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::harbour::{Harbour, ended};
use crate::scenarios::{Scenario, begin, folders, heals_now, is_played, read, shell, trouble};

/// What was recorded.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    /// Versions of the tools that were asked, by name.
    tools: BTreeMap<String, String>,
    /// By scenario: the command lines after which nothing was found any more.
    healed: BTreeMap<String, Vec<String>>,
    /// Beginnings of command lines that nobody ran, and why not.
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
#[ignore = "needs gcloud and kubectl; writes the record anew"]
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
    trouble(&harbour, scenario)?;
    let mut command = shell(&harbour, mend);
    command.envs(gcloud(&harbour));
    let ran = ended(command);
    if ran.code != 0 {
        return Err(format!("ended with {}\n{}{}", ran.code, ran.stdout, ran.stderr));
    }
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
