//! The way back: pods on GKE that read Azure ML, by the cluster's tokens and by Google's, without a key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::harbour::{Ended, Harbour, ended};

const AUDIENCE: &str = "api://AzureADTokenExchange";

/// What ARM has of one identity: its client id, and its credentials by name.
#[derive(Debug, Clone, PartialEq)]
struct Shard {
    client_id: String,
    credentials: BTreeSet<String>,
}

/// Workloads `NAME` of a team, under service account `NAME-sa`.
fn workloads(names: impl IntoIterator<Item = String>, team: &str, via: &str) -> String {
    let mut text = String::new();
    for name in names {
        writeln!(
            text,
            "  - {{ name: {name}, team: {team}, serviceAccount: {name}-sa, may: [read-models], via: {via} }}"
        )
        .unwrap();
    }
    text
}

fn tasters(count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(|number| format!("taster-{number:02}"))
}

fn declare(harbour: &Harbour, workloads: &str) {
    harbour.edit("\nendpoints:", &format!("\nworkloads:\n{workloads}\nendpoints:"));
}

fn shards(harbour: &Harbour) -> BTreeMap<String, Shard> {
    let directory = harbour.sandbox.world.azure.directory();
    let ours = directory.managed_identities.iter().filter(|it| it.name.starts_with("gp-harbour-"));
    let shard = |it: &sandbox::azure::directory::ManagedIdentity| Shard {
        client_id: it.client_id.clone(),
        credentials: it.federated_credentials.iter().map(|it| it.name.clone()).collect(),
    };
    ours.map(|it| (it.name.clone(), shard(it))).collect()
}

/// Asks the cluster's API server as its administrator.
fn cluster(harbour: &Harbour, method: reqwest::Method, path: &str, body: Option<&Value>) -> Value {
    let url = format!("https://{}{path}", harbour.sandbox.addresses().cluster);
    let request = harbour.client().request(method, url).bearer_auth(harbour.google_log_in());
    let request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
    let (status, reply) = harbour.send(request);
    assert!((200..300).contains(&status), "{path}: {reply}");
    serde_json::from_str(&reply).unwrap()
}

fn account(harbour: &Harbour, namespace: &str, name: &str) -> Value {
    cluster(
        harbour,
        reqwest::Method::GET,
        &format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}"),
        None,
    )
}

/// The token that the node would project into a pod, by the cluster's own TokenRequest.
fn projected(harbour: &Harbour, namespace: &str, name: &str, audience: &str) -> std::path::PathBuf {
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": { "audiences": [audience], "expirationSeconds": 3600 },
    });
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let reply = cluster(harbour, reqwest::Method::POST, &path, Some(&body));
    let file = harbour.file(&format!("token-{namespace}-{name}-{}", audience.len()));
    std::fs::write(&file, reply["status"]["token"].as_str().unwrap()).unwrap();
    file
}

/// A command as a process of a pod runs it: with what the patch of `render --workload` sets, and no other log-in.
fn in_pod(harbour: &Harbour, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = harbour.command(arguments);
    for (name, _) in harbour.sandbox.environment() {
        let log_in = [
            "AZURE_",
            "GOOGLE_",
            "CLOUDSDK_",
            "KUBECONFIG",
            "GCE_",
            "IDENTITY_",
            "MSI_",
            "ACTIONS_",
            "SYSTEM_",
        ];
        if log_in.iter().any(|start| name.starts_with(start)) {
            command.env_remove(name);
        }
    }
    // Neither `az` nor a home with log-ins.
    command.env("PATH", "/nowhere").env("HOME", "/nowhere");
    command.env("AZURE_TENANT_ID", sandbox::seed::TENANT).envs(variables.iter().copied());
    command
}

fn as_pod(harbour: &Harbour, arguments: &[&str], client_id: &str, token: &std::path::Path) -> Ended {
    let variables = [("AZURE_CLIENT_ID", client_id), ("AZURE_FEDERATED_TOKEN_FILE", token.to_str().unwrap())];
    ended(in_pod(harbour, arguments, &variables))
}

fn finding(ended: &Ended) -> Value {
    let way = ended.json();
    let findings = way["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{way}");
    findings[0].clone()
}

#[test]
fn twenty_three_workloads_on_two_identities_and_a_third_for_another_team() {
    let harbour = Harbour::new();
    let nurse = workloads(["nurse".to_owned()], "oncology", "cluster");
    let all = workloads(tasters(23), "cellar", "cluster") + &nurse;
    declare(&harbour, &all);
    harbour.run(&["apply"]).expect_code(0);
    let plan = harbour.run(&["plan"]).expect_code(0);
    assert_eq!(plan.stdout, "both clouds are as declared\n");

    let before = shards(&harbour);
    let sizes: BTreeSet<usize> = before.values().map(|shard| shard.credentials.len()).collect();
    assert_eq!((before.len(), sizes), (3, BTreeSet::from([1, 3, 20])), "{before:?}");
    assert!(before.values().any(|shard| shard.credentials == BTreeSet::from(["nurse".to_owned()])));

    // A pod of the last one reads models: with the client id that the service account has, and its token.
    let reader = account(&harbour, "team-cellar", "taster-23-sa");
    let annotations = &reader["metadata"]["annotations"];
    let client_id = annotations["azure.workload.identity/client-id"].as_str().unwrap().to_owned();
    assert_eq!(annotations["azure.workload.identity/tenant-id"], sandbox::seed::TENANT);
    let token = projected(&harbour, "team-cellar", "taster-23-sa", AUDIENCE);
    let models = as_pod(&harbour, &["models"], &client_id, &token).expect_code(0);
    assert!(models.stdout.contains("Wine_Cultivar"), "{}", models.stdout);
    let doctor = ["doctor", "--workload", "taster-23"];
    as_pod(&harbour, &doctor, &client_id, &token).expect_code(0);
    let sound = harbour.run(&doctor).expect_code(0);
    assert!(sound.stdout.contains("federated credential"), "{}", sound.stdout);

    // Another team's token is not admitted, whatever it is for.
    let stranger = projected(&harbour, "team-oncology", "nurse-sa", AUDIENCE);
    as_pod(&harbour, &["models"], &client_id, &stranger).expect_code(3).expect_talk("AADSTS700213");

    // One that goes takes exactly its credential and its service account along.
    harbour.edit(&workloads(["taster-05".to_owned()], "cellar", "cluster"), "");
    let plan = harbour.run(&["plan", "-o", "json"]).expect_code(4).json();
    let keys: BTreeSet<&str> =
        plan["changes"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    let holder = before.iter().find(|(_, shard)| shard.credentials.contains("taster-05")).unwrap().0;
    let credential = format!("azure/federated-credential/{holder}/taster-05");
    assert_eq!(
        keys,
        BTreeSet::from([credential.as_str(), "kubernetes/ServiceAccount/team-cellar/taster-05-sa"])
    );
    harbour.run(&["apply"]).expect_code(0);
    let mut expected = before.clone();
    expected.get_mut(holder).unwrap().credentials.remove("taster-05");
    assert_eq!(shards(&harbour), expected, "everybody else stays where it was");

    // Everything of ours goes, and nothing is left behind.
    harbour.run(&["destroy", "--yes"]).expect_code(0);
    assert_eq!(shards(&harbour), BTreeMap::new());
    let orphans = harbour.sandbox.world.azure.assignments();
    assert!(!orphans.iter().any(|it| it.description.as_deref() == Some("gangplank:harbour")));
}

#[test]
fn wrong_and_not_yet_are_told_apart() {
    let harbour = Harbour::new();
    declare(&harbour, &workloads(["taster".to_owned()], "cellar", "cluster"));
    let missing = harbour.run(&["doctor", "--workload", "taster", "-o", "json"]).expect_code(3).json();
    let codes: BTreeSet<&str> =
        missing["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(codes, BTreeSet::from(["azure/workload-not-set-up"]), "{missing}");
    harbour.run(&["render", "--workload", "taster"]).expect_code(1).expect_talk("gangplank apply");
    harbour.run(&["apply"]).expect_code(0);
    let client_id = shards(&harbour)["gp-harbour-1"].client_id.clone();
    let patch = harbour.run(&["render", "--workload", "taster", "-o", "json"]).expect_code(0).json();
    let patch = patch["spec"]["template"]["spec"].clone();
    assert_eq!(patch["containers"][0]["env"][0]["value"], client_id.as_str());
    let projection = &patch["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(projection["audience"], AUDIENCE);

    let doctor = ["doctor", "--workload", "taster", "-o", "json"];
    // Another audience: the token that pods have for other purposes.
    let other = projected(&harbour, "team-cellar", "taster-sa", "sts.googleapis.com");
    let said = finding(&as_pod(&harbour, &doctor, &client_id, &other).expect_code(3));
    assert_eq!(said["code"], "azure/workload-token-differs");
    assert!(said["summary"].as_str().unwrap().contains("audience"), "{said}");
    assert_eq!(
        (&said["expected"]["value"], &said["found"]["value"]),
        (&json!(AUDIENCE), &json!("sts.googleapis.com"))
    );
    // Another subject: the pod names no service account.
    let other = projected(&harbour, "team-cellar", "default", AUDIENCE);
    let said = finding(&as_pod(&harbour, &doctor, &client_id, &other).expect_code(3));
    assert!(said["summary"].as_str().unwrap().contains("subject"), "{said}");
    assert_eq!(said["found"]["value"], "system:serviceaccount:team-cellar:default");

    // The credential in Azure says something else: an administrator sees it, and `apply` mends it.
    if let Some(identity) = harbour.sandbox.world.azure.directory().managed_identity_mut(&client_id) {
        identity.federated_credentials[0].subject = "system:serviceaccount:team-cellar:someone".to_owned();
    }
    let said = finding(&harbour.run(&doctor).expect_code(3));
    assert_eq!(said["code"], "azure/federated-credential-differs");
    assert_eq!(said["expected"]["value"], "system:serviceaccount:team-cellar:taster-sa");
    assert_eq!(said["found"]["value"], "system:serviceaccount:team-cellar:someone");
    let token = projected(&harbour, "team-cellar", "taster-sa", AUDIENCE);
    harbour.sandbox.world.azure.set_propagation(120);
    harbour.run(&["apply"]).expect_code(0);

    // Now it is right, and does not count yet: no word of a wrong value, and waiting helps.
    let said = finding(&as_pod(&harbour, &doctor, &client_id, &token).expect_code(3));
    assert_eq!(said["code"], "azure/federated-credential-not-honoured-yet", "{said}");
    let patient = ["doctor", "--workload", "taster", "--wait", "60"];
    let mut command = in_pod(
        &harbour,
        &patient,
        &[("AZURE_CLIENT_ID", &client_id), ("AZURE_FEDERATED_TOKEN_FILE", token.to_str().unwrap())],
    );
    let waiting = command.spawn().unwrap();
    harbour.sandbox.world.clock.advance(std::time::Duration::from_mins(3));
    let waited = waiting.wait_with_output().unwrap();
    assert_eq!(waited.status.code(), Some(0), "{}", String::from_utf8_lossy(&waited.stdout));
}

#[test]
fn killed_among_the_credentials_the_next_apply_converges() {
    let harbour = Harbour::new();
    declare(&harbour, &workloads(tasters(23), "cellar", "cluster"));
    for name in ["taster-03", "taster-20", "taster-22"] {
        assert!(harbour.kill_at(&["apply"], &format!("/{name}")), "no step for `{name}`");
    }
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
    let all: Vec<String> = shards(&harbour).into_values().flat_map(|shard| shard.credentials).collect();
    assert_eq!(all.len(), 23, "each once: {all:?}");
    let names: BTreeSet<String> = all.into_iter().collect();
    assert_eq!(names, tasters(23).collect());
}

/// Two administrators, or an administrator and somebody's Terraform: Azure refuses one of two writes, and both arrive.
#[test]
fn two_at_once_both_arrive() {
    let harbour = Harbour::new();
    declare(&harbour, &workloads(tasters(6), "cellar", "cluster"));
    harbour.run(&["apply"]).expect_code(0);
    harbour.edit("taster-01-sa", "taster-one-sa");
    harbour.edit("taster-02-sa", "taster-two-sa");
    let both = [(); 2].map(|()| harbour.command(&["apply"]).spawn().unwrap());
    for one in both {
        // Whoever comes second may find the world changed, and says so.
        let code = one.wait_with_output().unwrap().status.code();
        assert!(matches!(code, Some(0 | 1)), "{code:?}");
    }
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
}

/// By Google: the pod's metadata server gives an ID token of the workload's own Google service account.
#[test]
fn by_google_with_an_account_that_can_do_nothing_else() {
    let harbour = Harbour::new();
    let taster = workloads(["taster".to_owned()], "cellar", "google");
    declare(&harbour, &(taster + &workloads(["other".to_owned()], "cellar", "cluster")));
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
    harbour.run(&["doctor", "--workload", "taster"]).expect_code(0);
    let client_id = shards(&harbour)["gp-harbour-1"].client_id.clone();

    let id_token = |service_account: &str| {
        *harbour.sandbox.world.google.metadata_caller() = sandbox::google::MetadataCaller::Pod {
            namespace: "team-cellar".to_owned(),
            service_account: service_account.to_owned(),
        };
        let url = format!(
            "http://{}/computeMetadata/v1/instance/service-accounts/default/identity?audience={AUDIENCE}",
            harbour.sandbox.addresses().google_metadata
        );
        harbour.send(harbour.client().get(url).header("metadata-flavor", "Google"))
    };
    let (status, token) = id_token("taster-sa");
    assert_eq!(status, 200, "{token}");
    let file = harbour.file("google-id-token");
    std::fs::write(&file, &token).unwrap();
    let models = as_pod(&harbour, &["models"], &client_id, &file).expect_code(0);
    assert!(models.stdout.contains("Wine_Cultivar"), "{}", models.stdout);

    // A pod that merely says it is that account is not.
    let path = "/api/v1/namespaces/team-cellar/serviceaccounts/other-sa";
    let mut impostor = account(&harbour, "team-cellar", "other-sa");
    let email = format!("gpw-taster@{}.iam.gserviceaccount.com", sandbox::seed::PROJECT);
    impostor["metadata"]["annotations"]["iam.gke.io/gcp-service-account"] = json!(email);
    cluster(&harbour, reqwest::Method::PUT, path, Some(&impostor));
    let (status, refused) = id_token("other-sa");
    assert_eq!(status, 403, "{refused}");
}

/// The whole way in a pod of the cluster, with what `render --workload` prints and nothing else.
#[test]
fn a_pod_reads_models_with_what_render_prints() {
    let harbour = Harbour::new();
    declare(&harbour, &workloads(["taster".to_owned()], "cellar", "cluster"));
    harbour.run(&["apply"]).expect_code(0);
    // Any image will do: the pod's program is a script that starts this `gangplank`.
    let image = harbour.run(&["pack", "Wine_Cultivar:2", "-o", "json"]).expect_code(0).json();
    let script = "#!/bin/sh\n\"$PROGRAM\" --file \"$BRIDGE\" models\nexec /bin/sleep 600\n";
    let namespace = "/api/v1/namespaces/team-cellar";
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "scripts" }, "data": { "read": script },
    });
    cluster(&harbour, reqwest::Method::POST, &format!("{namespace}/configmaps"), Some(&map));

    let patch = harbour.run(&["render", "--workload", "taster", "-o", "json"]).expect_code(0).json();
    let mut spec = patch["spec"]["template"]["spec"].clone();
    spec["volumes"].as_array_mut().unwrap().push(json!({
        "name": "scripts", "configMap": { "name": "scripts", "defaultMode": 0o755 },
    }));
    spec["securityContext"] =
        json!({ "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": { "type": "RuntimeDefault" } });
    let container = &mut spec["containers"][0];
    container["image"] = image["reference"].clone();
    container["command"] = json!(["/scripts/read"]);
    container["resources"] = json!({ "requests": { "cpu": "100m", "memory": "64Mi" } });
    container["securityContext"] =
        json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    container["volumeMounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "scripts", "mountPath": "/scripts" }));
    let bridge = harbour.file("bridge.yaml");
    let told = [("PROGRAM", env!("CARGO_BIN_EXE_gangplank")), ("BRIDGE", bridge.to_str().unwrap())];
    let variables = container["env"].as_array_mut().unwrap();
    variables.extend(told.map(|(name, value)| json!({ "name": name, "value": value })));
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "reader" }, "spec": spec });
    cluster(&harbour, reqwest::Method::POST, &format!("{namespace}/pods"), Some(&pod));

    let url = format!("https://{}{namespace}/pods/reader/log", harbour.sandbox.addresses().cluster);
    let mut log = String::new();
    for _ in 0..600 {
        let request = harbour.client().get(&url).bearer_auth(harbour.google_log_in());
        log = harbour.send(request).1;
        if log.contains("Wine_Cultivar") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let pod = cluster(&harbour, reqwest::Method::GET, &format!("{namespace}/pods/reader"), None);
    panic!("{log}\n{}", pod["status"]);
}
