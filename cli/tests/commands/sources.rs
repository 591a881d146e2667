//! Models from beyond the workspace's default datastore: an Azure ML registry, a package's image, another datastore. Each is
//! refused until the administrator has applied what the bridge file says, and then needs exactly that.

use sandbox::seed;
use serde_json::{Value, json};

use crate::harbour::{Ended, Harbour};

const REGISTRY_USER: &str = "1823dd4f-9b8c-4ab6-ab4e-7397a3684615";
const ACR_PULL: &str = "7f951dda-4ed3-4680-a7ca-43fe172d538d";
const BLOB_READER: &str = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1";

/// Who holds a role, and where: the last name of each scope.
fn holders(harbour: &Harbour, role: &str) -> Vec<(String, String)> {
    let assignments = harbour.sandbox.world.azure.assignments();
    let held = assignments.iter().filter(|it| it.role == role);
    let mut held: Vec<(String, String)> =
        held.map(|it| (it.principal_id.clone(), it.scope.rsplit('/').next().unwrap().to_owned())).collect();
    held.sort();
    held
}

#[track_caller]
fn assert_silent(harbour: &Harbour, ended: &Ended) {
    for secret in harbour.sandbox.world.minted.all().iter().filter(|secret| secret.len() > 8) {
        let said = ended.stdout.contains(secret.as_str()) || ended.stderr.contains(secret.as_str());
        assert!(!said, "a secret was shown");
    }
}

fn post(harbour: &Harbour, shipped: &Value, body: &'static str) -> (u16, String) {
    let url = format!("{}/score", shipped["urls"][0].as_str().unwrap());
    harbour.send(harbour.client().post(url).header("content-type", "application/json").body(body))
}

#[test]
fn a_model_comes_from_a_registry_with_the_right_to_it_alone() {
    let harbour = Harbour::set_up();
    let model = "azureml://registries/quay-shared/models/breast-cancer-shared/labels/latest";
    harbour.edit("model: breast-cancer:1", &format!("model: \"{model}\""));
    let refused = harbour.run(&["ship", "breast-cancer-shared"]).expect_code(3);
    refused.expect_talk("AzureML Registry User");
    let plan = harbour.run(&["plan"]).expect_code(4);
    assert!(plan.stdout.contains("azure/role/AzureML Registry User/quay-shared/"), "{}", plan.stdout);
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
    let oncology = seed::ONCOLOGY_CI.object_id.to_owned();
    assert_eq!(holders(&harbour, REGISTRY_USER), [(oncology, seed::ML_REGISTRY.to_owned())]);

    let ended = harbour.run(&["ship", "breast-cancer-shared", "-o", "json", "-vvvv"]).expect_code(0);
    assert_silent(&harbour, &ended);
    let shipped = ended.json();
    assert_eq!(
        (shipped["model"].as_str(), shipped["version"].as_str()),
        (Some("breast-cancer-shared"), Some("2"))
    );
    assert!(shipped["asset_id"].as_str().unwrap().contains("/registries/quay-shared/"), "{shipped}");

    let exact = "azureml://registries/quay-shared/models/breast-cancer-shared/versions/1";
    let first =
        harbour.run(&["ship", exact, "--service", "breast-cancer", "-o", "json"]).expect_code(0).json();
    assert_eq!(first["version"], "1");
    let unknown = exact.replace("/1", "/9");
    let refused = harbour.run(&["ship", &unknown, "--service", "breast-cancer"]).expect_code(2);
    refused.expect_talk("has no version `9`");
}

#[test]
fn a_signature_that_is_refused_is_asked_for_again() {
    let harbour = Harbour::set_up();
    let model = "azureml://registries/quay-shared/models/breast-cancer-shared/versions/1";
    harbour.edit("model: breast-cancer:1", &format!("model: \"{model}\""));
    harbour.run(&["apply"]).expect_code(0);
    harbour.sandbox.world.faults.arm("blob", sandbox::world::Fault::Expired);
    harbour.run(&["pack", "breast-cancer-shared"]).expect_code(0);
}

#[test]
fn a_package_is_copied_as_it_is_and_answers() {
    let harbour = Harbour::set_up();
    harbour.edit(
        "model: breast-cancer:1\n    runtime: onnx",
        "model: breast-cancer:2\n    runtime: { environment: \"breast-cancer-package:1\" }",
    );
    harbour.edit("    sample: samples/breast-cancer.json\n", "");
    harbour.run(&["ship", "breast-cancer"]).expect_code(3).expect_talk("AcrPull");
    harbour.run(&["apply"]).expect_code(0);
    let oncology = seed::ONCOLOGY_CI.object_id.to_owned();
    assert_eq!(holders(&harbour, ACR_PULL), [(oncology, seed::CONTAINER_REGISTRY.to_owned())]);

    let ended = harbour.run(&["ship", "breast-cancer", "-o", "json", "-vvvv"]).expect_code(0);
    assert_silent(&harbour, &ended);
    let shipped = ended.json();
    let package = &harbour.sandbox.world.azure.models().environments[0].image.clone();
    assert!(package.ends_with(shipped["digest"].as_str().unwrap()), "{package} {shipped}");
    assert_eq!(post(&harbour, &shipped, "{}"), (200, "[\"packaged\"]".to_owned()));

    let again = harbour.run(&["pack", "breast-cancer", "-o", "json"]).expect_code(0);
    assert_eq!(again.json()["reference"], shipped["image"]);
    assert_eq!(again.json()["sent"], 0);
    let rendered = harbour.run(&["render", "breast-cancer"]).expect_code(0).stdout;
    assert!(rendered.contains(shipped["image"].as_str().unwrap()), "{rendered}");
}

#[test]
fn a_datastore_is_read_once_it_is_declared_and_no_longer_than_that() {
    let harbour = Harbour::set_up();
    harbour.edit("model: breast-cancer:1", "model: breast-cancer-job:1");
    let ship = ["ship", "breast-cancer-job", "-o", "json"];
    let refused = harbour.run(&ship).expect_code(3);
    refused.expect_talk("add `workspaceartifactstore` to `azure.datastores`");
    let before = holders(&harbour, BLOB_READER);
    let declared = "  workspace: quay\n  datastores: [workspaceartifactstore]\n";
    harbour.edit("  workspace: quay\n", declared);
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
    let given: Vec<_> =
        holders(&harbour, BLOB_READER).into_iter().filter(|it| !before.contains(it)).collect();
    assert!(given.iter().all(|(_, container)| container == seed::ARTIFACT_CONTAINER), "{given:?}");
    assert_eq!(given.len(), 2);
    assert_eq!(harbour.run(&ship).expect_code(0).json()["model"], json!("breast-cancer-job"));

    harbour.edit(declared, "  workspace: quay\n");
    harbour.run(&["apply"]).expect_code(0);
    assert_eq!(holders(&harbour, BLOB_READER), before);
    harbour.edit("  workspace: quay\n", "  workspace: quay\n  datastores: [nowhere]\n");
    harbour.run(&["plan"]).expect_code(2).expect_talk("`azure.datastores` names `nowhere`");
}

#[test]
fn an_id_of_another_workspace_is_refused() {
    let harbour = Harbour::set_up();
    let own = format!(
        "azureml://subscriptions/{}/resourceGroups/{}/workspaces/{}/models/breast-cancer/versions/1",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::WORKSPACE
    );
    harbour.run(&["pack", &own]).expect_code(0);
    harbour.run(&["pack", "azureml:breast-cancer:1"]).expect_code(0);
    let other = own.replace("/workspaces/quay/", "/workspaces/other/");
    harbour.run(&["pack", &other]).expect_code(2).expect_talk("is in another workspace than the bridge's");
}
