//! A sandbox that keeps its state: it comes back where it was, and refuses what it cannot use.

use std::path::Path;

use reqwest::Method;
use serde_json::json;

use crate::quay::sandbox::{Options, Sandbox, StartError, seed};
use crate::quay::{Quay, client, workspace};

async fn keeping(folder: &Path) -> Result<Quay, StartError> {
    let options = Options { folder: Some(folder.to_owned()), keep: true, ..Options::default() };
    let sandbox = Sandbox::start(options).await?;
    let client = client(&sandbox);
    Ok(Quay { sandbox, client })
}

const WORLD: &str = "apiVersion: gangplank.dev/v1alpha1
kind: World
people: [{ name: Ada Lovelace, userPrincipalName: ada@harbour.example, directoryRoles: [x] }]
groups: [{ name: readers, members: [ada@harbour.example] }]
applications: [{ name: risk }]
roleAssignments: [{ principal: risk, role: acdd72a7-3385-48ef-bd42-f606fba81ae7, scope: '/subscriptions/${subscription}' }]
pools:
  - id: theirs
    deleted: true
    providers:
      - { id: entra, set: { oidc: { issuerUri: 'https://x.example' }, attributeMapping: { google.subject: assertion.sub } } }
serviceAccounts: [{ id: somebody, disabled: true }]
repositories: [{ id: models }]
grants: [{ on: repository/models, role: roles/artifactregistry.reader, members: ['user:ada@harbour.example'] }]
models: [{ name: large, version: '1', size: 5000 }]
objects: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: theirs, namespace: default }, data: { a: b } }]
advance: 100
";

#[tokio::test]
async fn everything_is_there_again_after_a_stop() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    let quay = keeping(&folder).await.unwrap();
    quay.sandbox.load(WORLD).await.unwrap();
    let token = quay.token(&seed::CELLAR_CI, "https://management.azure.com").await;
    let before = (quay.sandbox.addresses().clone(), std::fs::read(folder.join("ca.pem")).unwrap());
    let directory = format!("{:?}", *quay.sandbox.world.azure.directory());
    let assignments = format!("{:?}", *quay.sandbox.world.azure.assignments());
    let models = format!("{:?}", *quay.sandbox.world.azure.models());
    quay.sandbox.stop().await;

    let quay = keeping(&folder).await.unwrap();
    assert_eq!(quay.sandbox.addresses().entra, before.0.entra);
    assert_eq!(std::fs::read(folder.join("ca.pem")).unwrap(), before.1);
    let world = &quay.sandbox.world;
    assert_eq!(format!("{:?}", *world.azure.directory()), directory);
    assert_eq!(format!("{:?}", *world.azure.assignments()), assignments);
    assert_eq!(format!("{:?}", *world.azure.models()), models);
    let (status, body) = quay.send(Method::GET, &quay.arm_url(&workspace()), &token, None).await;
    assert_eq!(status, 403, "a token of before is known, and grants what it granted: {body}");
    // The same world again: whatever is missing would be made anew, and whatever is there only changed.
    let kept = std::fs::read_to_string(folder.join("state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(state["google"]["resources"]["pools"]["theirs"]["pool"]["value"]["state"], "DELETED");
    assert_eq!(state["ahead_seconds"], 100);
    let objects = state["cluster"]["objects"].as_array().unwrap();
    assert!(objects.iter().any(|it| it["object"]["data"] == json!({ "a": "b" })));
    quay.sandbox.load(WORLD).await.unwrap();
}

#[tokio::test]
async fn a_state_survives_a_crash_and_is_used_by_one_sandbox_at_a_time() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    let quay = keeping(&folder).await.unwrap();
    let error = keeping(&folder).await.err().unwrap().to_string();
    assert!(error.contains(&format!("another sandbox (process {})", std::process::id())), "{error}");
    let created = quay.graph(Method::POST, "applications", Some(json!({ "displayName": "kept" }))).await;
    assert_eq!(created.0, 201);
    let there = || {
        let text = std::fs::read_to_string(folder.join("state.json")).unwrap_or_default();
        text.contains("\"displayName\":\"kept\"")
    };
    while !there() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // What a crash in the middle of writing leaves.
    std::fs::write(folder.join("state.json.new"), "{\"version\":1,").unwrap();
    drop(quay);
    let quay = loop {
        // The listeners of the dropped one end with the runtime's next turns.
        match keeping(&folder).await {
            Ok(quay) => break quay,
            Err(StartError::KeptPortTaken { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    };
    let directory = quay.sandbox.world.azure.directory();
    assert!(directory.applications.iter().any(|it| it.display_name == "kept"));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    keeping(&folder).await.unwrap().sandbox.stop().await;
    let options =
        Options { folder: Some(folder.clone()), base_port: Some(20_000), keep: true, ..Options::default() };
    let error = Sandbox::start(options).await.err().unwrap().to_string();
    assert!(error.contains("start it without a first port"), "{error}");
    for (text, expected) in [
        ("{\"version\": 99}", "is of version 99, expected version 1"),
        ("{}", "it has no `version`"),
        ("{\"version\": 1}", "missing field"),
        ("nonsense", "is not what a sandbox keeps"),
    ] {
        std::fs::write(folder.join("state.json"), text).unwrap();
        let error = keeping(&folder).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(std::fs::read_to_string(folder.join("state.json")).unwrap(), text, "left as it was");
    }
}
