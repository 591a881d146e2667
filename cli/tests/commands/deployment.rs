//! Deployment files of Azure ML's as input, and MLflow models: what is honoured runs, what is not is named.

use bytes::Bytes;
use serde_json::Value;

use crate::harbour::Harbour;

const DEPLOYMENT: &str = "\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: blue
endpoint_name: tumours
model: azureml:breast-cancer:2
instance_type: Standard_DS3_v2
instance_count: 1
environment_variables: {LOG_LEVEL: debug}
readiness_probe: {period: 3, timeout: 4}
request_settings: {request_timeout_ms: 3000}
tags: {stage: candidate}
";

fn write(harbour: &Harbour, text: &str) {
    std::fs::write(harbour.file("blue.yaml"), text).unwrap();
}

const SHIP: [&str; 5] = ["ship", "--deployment", "blue.yaml", "--team", "oncology"];

#[test]
fn a_deployment_file_ships_and_renders() {
    let harbour = Harbour::set_up();
    write(&harbour, DEPLOYMENT);
    let shipped = harbour.run(&[&SHIP[..], &["-o", "json"]].concat()).expect_code(0).json();
    assert_eq!(shipped["shipment"]["service"], "tumours");
    assert_eq!(shipped["shipment"]["version"], "2");
    let left: Vec<&str> = shipped["deployment"]["not_carried_over"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note["field"].as_str().unwrap())
        .collect();
    assert_eq!(left, ["$schema", "instance_type", "request_settings"]);

    let arguments = ["render", "--deployment", "blue.yaml", "--team", "oncology"];
    let rendered = harbour.run(&[&arguments[..], &["-o", "json"]].concat()).expect_code(0).json();
    let objects = rendered["objects"].as_array().unwrap();
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"], serde_json::json!([{"name": "LOG_LEVEL", "value": "debug"}]));
    assert_eq!(container["readinessProbe"]["periodSeconds"], 3);
    assert_eq!(container["readinessProbe"]["timeoutSeconds"], 4);
    assert_eq!(deployment["metadata"]["annotations"]["gangplank.dev/tags"], r#"{"stage":"candidate"}"#);
    assert!(!objects.iter().any(|object| object["kind"] == "HorizontalPodAutoscaler"));

    let human = harbour.run(&arguments).expect_code(0);
    assert!(human.stdout.starts_with("---\n"), "{}", human.stdout);
    human
        .expect_talk("carried over      line 6   instance_count: 1 pods, always")
        .expect_talk("not carried over  line 5   instance_type: names a size of Azure's machines");
}

#[test]
fn what_is_wrong_in_a_deployment_file_is_underlined_and_nothing_is_shipped() {
    let harbour = Harbour::new();
    write(&harbour, &DEPLOYMENT.replace("instance_count: 1", "instance_cuont: 1"));
    let unknown = harbour.run(&SHIP).expect_code(2);
    unknown.expect_talk("blue.yaml:6:1").expect_talk("did you mean `instance_count`?");
    write(&harbour, DEPLOYMENT);
    harbour.run(&["ship", "breast-cancer", "--deployment", "blue.yaml"]).expect_code(2);
    harbour.run(&["ship", "--deployment", "blue.yaml"]).expect_code(2).expect_talk("--team TEAM");
    harbour
        .run(&["ship", "--deployment", "blue.yaml", "--team", "nobody"])
        .expect_code(2)
        .expect_talk("oncology, cellar");
    harbour
        .run(&["ship", "--deployment", "absent.yaml", "--team", "oncology"])
        .expect_code(2)
        .expect_talk("absent.yaml");
    harbour.run(&["ship"]).expect_code(2).expect_talk("--deployment");
    write(&harbour, &DEPLOYMENT.replace("LOG_LEVEL: debug", "DB_PASSWORD: hunter2"));
    for command in ["render", "ship"] {
        let arguments = [command, "--deployment", "blue.yaml", "--team", "oncology", "-vvvv"];
        let secret = harbour.run(&arguments).expect_code(2);
        assert!(!secret.stderr.contains("hunter2") && !secret.stdout.contains("hunter2"), "{secret:?}");
        secret.expect_talk("`environment_variables.DB_PASSWORD` in `blue.yaml` holds a literal value");
    }
}

#[test]
fn an_mlflow_model_is_served_by_its_onnx_flavor_or_told_what_it_needs() {
    let harbour = Harbour::set_up();
    let seeded = sandbox::seed::MODELS.iter().find(|it| it.name == "breast-cancer").unwrap();
    let onnx = seeded.files.iter().find(|(path, _)| *path == "model.onnx").unwrap().1;
    let labels = seeded.files.iter().find(|(path, _)| *path == "labels.json").unwrap().1;
    let mlmodel = "flavors:\n  onnx: {data: model.onnx}\n  python_function: {loader_module: mlflow.onnx}\n";
    let files = [
        ("model/MLmodel", Bytes::from_static(mlmodel.as_bytes())),
        ("model/model.onnx", Bytes::from_static(onnx)),
        ("model/labels.json", Bytes::from_static(labels)),
        ("model/decoy.onnx", Bytes::from_static(b"this is no model")),
    ];
    let azure = &harbour.sandbox.world.azure;
    azure.add_model("breast-cancer", "6", &[], &files, &harbour.sandbox.world.clock);
    let shipped = harbour.run(&["ship", "breast-cancer:6", "-o", "json"]).expect_code(0).json();
    assert_eq!(shipped["version"], Value::from("6"));

    harbour.add_model("breast-cancer", "7", &[
        ("MLmodel", "flavors:\n  sklearn: {pickled_model: model.pkl}\n  python_function: {model_path: model.pkl}\n"),
        ("model.pkl", "pickled"),
    ]);
    let refused = harbour.run(&["ship", "breast-cancer:7"]).expect_code(2);
    refused
        .expect_talk("it is an MLflow model with the flavors `python_function`, `sklearn`")
        .expect_talk("runtime: {environment: NAME:VERSION}")
        .expect_talk("runtime: {image: HOST/PATH@sha256:…, port: 8080}");
}

/// A deployment without a model is one of a package, for the model that the bridge's service serves.
#[test]
fn a_deployment_of_a_package_is_copied_as_it_is() {
    let harbour = Harbour::new();
    let packaged = "model: breast-cancer:2\n    runtime: { environment: \"breast-cancer-package:1\" }";
    harbour.edit("model: breast-cancer:1\n    runtime: onnx", packaged);
    harbour.edit("    sample: samples/breast-cancer.json\n", "");
    harbour.run(&["apply"]).expect_code(0);
    harbour.edit(packaged, "model: breast-cancer:2");
    let text = "name: packed\nendpoint_name: breast-cancer\nenvironment: azureml:breast-cancer-package:1\n";
    write(&harbour, text);
    let shipped = harbour.run(&["ship", "--deployment", "blue.yaml", "-o", "json"]).expect_code(0).json();
    let package = harbour.sandbox.world.azure.models().environments[0].image.clone();
    assert!(package.ends_with(shipped["shipment"]["digest"].as_str().unwrap()), "{package} {shipped}");
    assert_eq!(shipped["deployment"]["carried"][2]["field"], "environment", "{shipped}");
    // What the bridge file alone says, `auto`, is not the package.
    let made = harbour.run(&["pack", "breast-cancer", "-o", "json"]).expect_code(0).json();
    assert_ne!(made["digest"], shipped["shipment"]["digest"]);
}

#[test]
fn without_a_word_the_runtime_is_what_the_files_call_for() {
    let harbour = Harbour::set_up();
    harbour.edit("model: breast-cancer:1\n    runtime: onnx", "model: breast-cancer:1");
    let shipped = harbour.run(&["ship", "breast-cancer", "-o", "json"]).expect_code(0).json();
    assert_eq!(shipped["version"], "1");
    harbour.add_model("breast-cancer", "7", &[("model.pkl", "pickled")]);
    let refused = harbour.run(&["pack", "breast-cancer:7"]).expect_code(2);
    refused.expect_talk("it is a `custom_model` with `model.pkl`, none of which is ONNX");
}
