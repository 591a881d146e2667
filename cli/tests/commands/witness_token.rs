//! What kubectl, docker, podman, skopeo, crane and Google's library for Python said when `gangplank token` logged them in
//! (`witness/token/`), replayed: the same questions to the same product have the same answers.

use serde_json::{Value, json};

use crate::harbour::Harbour;
use crate::witness::of_the_model;

const ACCOUNT: &str = "gp-oncology@harbour-sandbox.iam.gserviceaccount.com";

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness/token")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn recorded(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

#[test]
fn kubectl_was_the_teams_service_account() {
    let harbour = Harbour::set_up();
    let mut given = harbour.run(&["token", "kubectl", "--team", "oncology"]).expect_code(0).json();
    let token = given["status"]["token"].as_str().unwrap().to_owned();
    given["status"]["token"] = json!("TOKEN");
    given["status"]["expirationTimestamp"] = json!("TIME");
    assert_eq!(given, recorded("kubectl-plugin.json"), "as kubectl got it from its plugin");

    let seen = recorded("kubectl-whoami.json");
    assert_eq!(seen["userInfo"]["username"], ACCOUNT);
    let url = format!(
        "https://{}/apis/authentication.k8s.io/v1/selfsubjectreviews",
        harbour.sandbox.addresses().cluster
    );
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let (status, body) = harbour.send(harbour.client().post(url).bearer_auth(token).json(&review));
    assert_eq!(status, 201, "{body}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["status"], seen);

    let can = text("kubectl-can.txt");
    assert!(can.starts_with("yes\n") && can.contains("exit 1\n"), "{can}");
    assert!(can.contains(&format!("User \"{ACCOUNT}\" cannot list resource \"pods\"")), "{can}");
    assert_eq!(text("kubectl-get.txt"), "No resources found in team-oncology namespace.\n");
}

#[test]
fn docker_podman_skopeo_and_crane_saw_the_same_image() {
    assert_eq!(text("skopeo.txt"), text("crane.txt"));
    assert_eq!(text("skopeo.txt"), text("podman.txt"));
    assert_eq!(recorded("docker-list.json"), json!({ "REGISTRY": "oauth2accesstoken" }));
    assert_eq!(text("docker-unknown.txt"), "credentials not found in native keychain\n");
    let harbour = Harbour::set_up();
    let pushed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let (place, digest) = pushed["reference"].as_str().unwrap().split_once('@').unwrap();
    let (host, repository) = place.split_once('/').unwrap();
    let token = harbour.run(&["token", "plain"]).expect_code(0).stdout;
    let url = format!("http://{host}/v2/{repository}/manifests/{digest}");
    let (status, body) = harbour.send(harbour.client().get(url).bearer_auth(token.trim()));
    assert_eq!(status, 200, "{body}");
    let manifest: Value = serde_json::from_str(&body).unwrap();
    let seen = recorded("docker-manifest.json");
    let layers = |manifest: &Value| of_the_model(manifest["layers"].as_array().unwrap()).to_vec();
    assert_eq!(layers(&manifest), layers(&seen));
    assert_eq!(manifest["annotations"], seen["annotations"]);
}

#[test]
fn googles_library_for_python_crossed_by_every_configuration() {
    let answers = recorded("google-auth.json");
    for (name, module, account) in [
        ("executable", "google.auth.pluggable", Value::Null),
        ("executable-team", "google.auth.pluggable", json!(ACCOUNT)),
        ("executable-kept", "google.auth.pluggable", Value::Null),
        ("file", "google.auth.identity_pool", Value::Null),
        ("file-team", "google.auth.identity_pool", json!(ACCOUNT)),
    ] {
        assert_eq!(answers[name], json!({ "loaded": module, "account": account, "registry": 200 }), "{name}");
    }
    assert_eq!(answers["instance-metadata"]["loaded"], "google.auth.identity_pool");
    let refused = answers["other-provider"]["refused"].as_str().unwrap();
    assert!(refused.contains("DENIED") && refused.contains("gangplank export cred-config"), "{refused}");
}
