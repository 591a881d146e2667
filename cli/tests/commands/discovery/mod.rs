//! Every request that `gangplank` makes of Google's JSON services, and every answer the sandbox gives it and Google's own
//! clients, held to Google's discovery documents (`witness/discovery/`): the method exists, its parameters and fields are
//! known, and their types are right.

mod document;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sandbox::Options;
use serde_json::{Value, json};

use self::document::Document;
use crate::harbour::Harbour;

/// The sandbox's services, and the documents of those they play.
const DOCUMENTS: [(&str, &str); 6] = [
    ("artifact_registry", "artifactregistry.v1"),
    ("cloud_resource_manager", "cloudresourcemanager.v3"),
    ("container", "container.v1"),
    ("iam", "iam.v1"),
    ("iam_credentials", "iamcredentials.v1"),
    ("sts", "sts.v1"),
];

#[test]
fn what_gangplank_asks_and_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("transcript");
    let harbour = Harbour::with(Options { transcript: Some(file.clone()), ..Options::default() });
    harbour.run(&["plan"]).expect_code(4);
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
    harbour.run(&["ship", "breast-cancer:1"]).expect_code(0);
    harbour.run(&["doctor"]).expect_code(0);
    harbour.edit("Cellar.Deployer", "Cellar.Shipper");
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["destroy", "--yes"]).expect_code(0);
    let text = std::fs::read_to_string(&file).unwrap();
    let minted = harbour.sandbox.world.minted.all();
    assert!(
        minted.len() > 10 && minted.iter().all(|secret| !text.contains(secret.as_str())),
        "a secret is in it"
    );
    assert!(!text.contains("\"eyJ"), "a token is in it");
    let checked = check(&file);
    let services: Vec<&&str> = checked.keys().collect();
    assert_eq!(services.len(), DOCUMENTS.len(), "only {services:?} were asked");
    assert!(checked.values().sum::<usize>() > 50, "{checked:?}");
}

#[test]
fn what_googles_clients_ask_and_are_answered() {
    let checked = check(&witness().join("google-python/transcript.jsonl"));
    assert_eq!(checked.len(), DOCUMENTS.len(), "{checked:?}");
}

#[test]
fn a_wrong_call_is_noticed() {
    let iam = Document::read(&witness().join("discovery/iam.v1.json"));
    let pool = "/v1/projects/p/locations/global/workloadIdentityPools/x";
    let call = |method: &str, path: &str, query: Value, asked: Value, answered: Value| {
        iam.problems(&json!({
            "request": { "method": method, "path": path, "query": query, "body": { "json": asked } },
            "answer": { "status": 200, "body": { "json": answered } },
        }))
    };
    let good = json!({ "name": "x", "state": "ACTIVE" });
    assert!(call("GET", pool, json!([]), Value::Null, good.clone()).is_empty());
    let operation = |response: Value| json!({ "name": "o", "done": true, "response": response });
    let kind = "type.googleapis.com/google.iam.v1.WorkloadIdentityPool";
    for (found, expected) in [
        (call("PUT", pool, json!([]), Value::Null, good.clone()), "no such method"),
        (call("GET", &format!("{pool}:fly"), json!([]), Value::Null, good.clone()), "no such method"),
        (call("GET", pool, json!([["mask", "x"]]), Value::Null, good.clone()), "parameter `mask`"),
        (call("GET", pool, json!([]), Value::Null, json!({ "title": "x" })), "`answer.title`"),
        (call("GET", pool, json!([]), Value::Null, json!({ "disabled": "no" })), "`answer.disabled`"),
        (call("GET", pool, json!([]), Value::Null, json!({ "state": "ASLEEP" })), "`answer.state`"),
        (
            call("PATCH", pool, json!([]), json!({ "displayname": "x" }), operation(json!({}))),
            "`request.displayname`",
        ),
        (
            call("PATCH", pool, json!([]), json!({}), operation(json!({ "@type": kind, "nom": "x" }))),
            "`answer.response.nom`",
        ),
    ] {
        assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not in {found:?}");
    }
}

fn witness() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness")
}

/// Checks a transcript; the number of checked exchanges by service.
#[track_caller]
fn check(file: &Path) -> BTreeMap<&'static str, usize> {
    let documents: Vec<(&str, Document)> = DOCUMENTS
        .into_iter()
        .map(|(service, name)| (service, Document::read(&witness().join(format!("discovery/{name}.json")))))
        .collect();
    let (mut checked, mut problems) = (BTreeMap::new(), Vec::new());
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let Some((service, document)) =
            documents.iter().find(|(service, _)| exchange["service"] == **service)
        else {
            continue;
        };
        *checked.entry(*service).or_insert(0) += 1;
        let asked = &exchange["request"];
        let which = format!("{service} {} {}", asked["method"], asked["path"]);
        problems
            .extend(document.problems(&exchange).into_iter().map(|problem| format!("{which}: {problem}")));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    checked
}
