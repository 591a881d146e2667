//! `ship`, `models`, `render`: a model travels, answers, and what was promised about it holds.

use serde_json::Value;

use crate::harbour::Harbour;

#[test]
fn a_shipped_model_answers_as_scikit_learn_does() {
    let harbour = Harbour::set_up();
    for version in ["1", "2"] {
        let shipped =
            harbour.run(&["ship", &format!("breast-cancer:{version}"), "-o", "json"]).expect_code(0).json();
        let (image, digest) = shipped["image"].as_str().unwrap().split_once('@').unwrap();
        assert!(image.ends_with("/models/breast-cancer"), "{image}");
        assert_eq!(digest, shipped["digest"]);
        assert_scores(&harbour, shipped["urls"][0].as_str().unwrap(), version);
    }
    assert_record(&harbour);
}

#[test]
fn shipping_again_sends_no_model_bytes_and_records_nothing_new() {
    let harbour = Harbour::set_up();
    let first = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let again = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0);
    assert!(again.stderr.contains("\"skipped\""), "{}", again.stderr);
    assert_eq!(again.json()["id"], first["id"]);
}

#[test]
fn a_role_caller_ships_for_its_team_and_not_for_another() {
    let harbour = Harbour::set_up();
    let secret = harbour.sandbox.world.azure.client_secret(sandbox::seed::CELLAR_CI.client_id).unwrap();
    let as_cellar = |arguments: &[&str]| {
        let mut command = harbour.command(arguments);
        command.env_remove("AZURE_FEDERATED_TOKEN_FILE");
        command
            .env("AZURE_CLIENT_ID", sandbox::seed::CELLAR_CI.client_id)
            .env("AZURE_CLIENT_SECRET", &secret);
        crate::harbour::ended(command)
    };
    let shipped = as_cellar(&["ship", "Wine_Cultivar@latest", "-o", "json"]).expect_code(0).json();
    assert_eq!(shipped["version"], "2");
    assert!(shipped["image"].as_str().unwrap().contains("/models/wine-cultivar-"), "{shipped}");
    let refused = as_cellar(&["ship", "breast-cancer:1"]).expect_code(3);
    assert!(refused.stderr.contains("iam.serviceAccounts.getAccessToken"), "{}", refused.stderr);
}

#[test]
fn versions_are_chosen_by_number_newest_and_tag() {
    let harbour = Harbour::set_up();
    let names = harbour.run(&["models"]).expect_code(0);
    assert_eq!(names.stdout, "Wine_Cultivar\nbreast-cancer\nbreast-cancer-job\n");
    let versions = harbour.run(&["models", "breast-cancer", "-o", "json"]).expect_code(0).json();
    let numbers: Vec<&str> =
        versions.as_array().unwrap().iter().map(|it| it["version"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["2", "1"]);
    let tagged = harbour.run(&["ship", "breast-cancer@stage=production", "-o", "json"]).expect_code(0).json();
    assert_eq!(tagged["version"], "1");
}

#[test]
fn render_prints_what_ship_applies() {
    let harbour = Harbour::set_up();
    let refused = harbour.run(&["render", "breast-cancer:1"]).expect_code(1);
    assert!(refused.stderr.contains("gangplank ship"), "{}", refused.stderr);
    let shipped = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let rendered = harbour.run(&["render", "breast-cancer:1"]).expect_code(0).stdout;
    assert!(rendered.contains(shipped["digest"].as_str().unwrap()), "{rendered}");
    for kind in [
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "ServiceAccount",
        "NetworkPolicy",
    ] {
        assert!(rendered.contains(&format!("kind: {kind}\n")), "{kind} is not in\n{rendered}");
    }
    assert!(!rendered.contains("kind: Secret"));
}

#[test]
fn a_failed_rollout_says_why_and_leaves_the_old_version_answering() {
    let harbour = Harbour::set_up();
    let shipped = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    harbour.add_model("breast-cancer", "3", &[("model.onnx", "this is no model")]);
    let failed = harbour.run(&["ship", "breast-cancer:3", "--timeout", "8"]).expect_code(1);
    assert!(failed.stderr.contains("CrashLoopBackOff"), "{}", failed.stderr);
    assert_scores(&harbour, shipped["urls"][0].as_str().unwrap(), "1");
}

/// Class equal to scikit-learn's, probabilities within 1e-5, for the committed sample.
#[track_caller]
fn assert_scores(harbour: &Harbour, url: &str, version: &str) {
    let sample = std::fs::read(harbour.file("samples/breast-cancer.json")).unwrap();
    let request = harbour.client().post(url).header("content-type", "application/json").body(sample);
    let (status, body) = harbour.send(request);
    assert_eq!(status, 200, "{body}");
    let found: Value = serde_json::from_str(&body).unwrap();
    let expected = gangplank::command::oracle::expected("breast-cancer", version).unwrap();
    gangplank::command::oracle::compare(&expected, &found).unwrap();
}

/// The ConfigMap beside the service lists both shipments, newest first.
#[track_caller]
fn assert_record(harbour: &Harbour) {
    let token = harbour.google_log_in();
    let url = format!(
        "https://{}/api/v1/namespaces/team-oncology/configmaps/shipment-breast-cancer",
        harbour.sandbox.addresses().cluster
    );
    let (status, body) = harbour.send(harbour.client().get(url).bearer_auth(token));
    assert_eq!(status, 200, "{body}");
    let record: Value = serde_json::from_str(&body).unwrap();
    let list: Value = serde_json::from_str(record["data"]["shipments.json"].as_str().unwrap()).unwrap();
    let versions: Vec<&str> =
        list.as_array().unwrap().iter().map(|it| it["version"].as_str().unwrap()).collect();
    assert_eq!(versions, ["2", "1"]);
}
