//! Deployments as people have them: what is honoured, what is named with a reason, what is refused at its place.

use super::*;
use crate::manifest::fixture;
use crate::spec::{ProbeTuning, Runtime, Scaling, VersionRef};

const MANAGED: &str = "\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: blue
endpoint_name: tasting
model: azureml:Wine_Cultivar:2
description: how wine is told
code_configuration:
  code: ../src
  scoring_script: score.py
environment: azureml:my-environment@latest
instance_type: Standard_DS3_v2
instance_count: 2
app_insights_enabled: true
environment_variables:
  LOG_LEVEL: debug
  WORKER_COUNT: 4
  AZUREML_MODEL_DIR: /elsewhere
request_settings:
  request_timeout_ms: 3000
  max_concurrent_requests_per_instance: 2
liveness_probe:
  initial_delay: 30
  period: 15
  timeout: 5
  failure_threshold: 10
  success_threshold: 1
readiness_probe:
  period: 7
  success_threshold: 2
tags:
  stage: production
  cost: 42
egress_public_network_access: disabled
data_collector: {collections: {model_inputs: {enabled: \"True\"}}}
";

const KUBERNETES: &str = "\
type: kubernetes
name: green
endpoint_name: wine
model: azureml:Wine_Cultivar@latest
environment:
  image: ghcr.io/cellar/tasting@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  conda_file: conda.yml
  inference_config:
    liveness_route: {path: /health/live, port: 8000}
    readiness_route: {path: /health/ready, port: 8000}
    scoring_route: {path: /predict, port: 8000}
scale_settings:
  type: target_utilization
  min_instances: 1
  max_instances: 5
  target_utilization_percentage: 60
  polling_interval: 10
resources:
  requests: {cpu: 500m, memory: 512Mi}
  limits: {cpu: 1, memory: 1Gi, nvidia.com/gpu: 1}
";

const INLINE: &str = "\
name: blue
endpoint_name: wine
type: managed
id: azureml:/subscriptions/s/blue
model: {name: Wine_Cultivar, version: 1, path: ../model, type: mlflow_model, flavors: {onnx: {}}, tags: {a: b}, stage: Production}
environment:
  name: env
  version: 3
  build: {path: ., dockerfile_path: Dockerfile}
  conda_file: {dependencies: [python=3.10]}
  os_type: linux
  tags: {a: b}
  inference_config: {liveness_route: {path: /, port: 80}}
egress_public_network_access: enabled
app_insights_enabled: false
private_network_connection: true
model_mount_path: /mnt
properties: {a: b}
scale_settings: {type: default}
data_collector: {sampling_rate: 0.5}
";

const PACKAGE: &str = "\
name: packed
endpoint_name: wine
environment: azureml:wine-package:4
instance_type: Standard_DS3_v2
";

fn adapted(text: &str, team: Option<&str>) -> Result<Adapted, Vec<Problem>> {
    let bridge = fixture::bridge();
    adapt("blue.yaml", text, Target { bridge: &bridge, team })
}

fn refused(text: &str, team: Option<&str>) -> String {
    let problems = adapted(text, team).unwrap_err();
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn left(adapted: &Adapted) -> Vec<(&str, usize)> {
    adapted.not_carried_over.iter().map(|it| (it.field.as_str(), it.line)).collect()
}

#[test]
fn a_managed_deployment_becomes_a_service_of_the_named_team() {
    let adapted = adapted(MANAGED, Some("cellar")).unwrap();
    let service = &adapted.service;
    assert_eq!((service.name.as_str(), service.team.as_str()), ("tasting", "cellar"));
    assert_eq!(service.model.name, "Wine_Cultivar");
    assert_eq!(service.model.version, VersionRef::Exact("2".to_owned()));
    assert_eq!(service.scaling, Scaling { min: 2, max: 2, cpu_percent: 70 });
    assert_eq!(service.runtime, Runtime::Auto);
    let env: Vec<(&str, &str)> =
        service.tuning.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(env, [("LOG_LEVEL", "debug"), ("WORKER_COUNT", "4")]);
    assert_eq!(
        service.tuning.liveness,
        ProbeTuning {
            initial_delay: Some(30),
            period: Some(15),
            timeout: Some(5),
            failure_threshold: Some(10),
            ..ProbeTuning::default()
        }
    );
    assert_eq!(service.tuning.readiness.success_threshold, Some(2));
    assert_eq!(service.tuning.annotations["gangplank.dev/tags"], r#"{"cost":"42","stage":"production"}"#);
    assert_eq!(service.tuning.annotations["gangplank.dev/deployment"], "blue");
    assert_eq!(
        left(&adapted),
        [
            ("$schema", 1),
            ("code_configuration", 6),
            ("environment", 9),
            ("instance_type", 10),
            ("app_insights_enabled", 12),
            ("environment_variables.AZUREML_MODEL_DIR", 16),
            ("request_settings", 17),
            ("egress_public_network_access", 32),
            ("data_collector", 33),
        ]
    );
}

#[test]
fn a_kubernetes_deployment_is_laid_upon_the_bridges_service() {
    let adapted = adapted(KUBERNETES, None).unwrap();
    let service = &adapted.service;
    assert_eq!((service.name.as_str(), service.team.as_str()), ("wine", "cellar"));
    assert_eq!(service.scaling, Scaling { min: 1, max: 5, cpu_percent: 60 });
    assert!(matches!(&service.runtime, Runtime::Image { port: 8000, .. }), "{:?}", service.runtime);
    assert_eq!(service.tuning.liveness.path.as_deref(), Some("/health/live"));
    assert_eq!(service.tuning.startup.path.as_deref(), Some("/health/ready"));
    assert_eq!((service.resources.cpu.as_str(), service.resources.memory.as_str()), ("500m", "1Gi"));
    let fields: Vec<&str> = left(&adapted).into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            "type",
            "environment.conda_file",
            "environment.inference_config.scoring_route.path",
            "scale_settings.polling_interval",
            "resources.requests.memory",
            "resources.limits.cpu",
            "resources.limits.nvidia.com/gpu",
        ]
    );
}

/// Every field that is written is either honoured or named: the two lists together cover all leaves of the file.
#[test]
fn nothing_is_dropped_silently() {
    for (text, team) in [(MANAGED, Some("cellar")), (KUBERNETES, None), (INLINE, None), (PACKAGE, None)] {
        let adapted = adapted(text, team).unwrap();
        let root = tree::read(text).unwrap();
        let mut leaves = Vec::new();
        collect(&root, "", &mut leaves);
        let said: Vec<&str> = adapted
            .carried
            .iter()
            .map(|it| it.field.as_str())
            .chain(adapted.not_carried_over.iter().map(|it| it.field.as_str()))
            .collect();
        for leaf in leaves {
            let covered = said.iter().any(|field| leaf == *field || leaf.starts_with(&format!("{field}.")));
            assert!(covered, "`{leaf}` is not spoken of: {said:?}");
        }
    }
}

fn collect(node: &Node, path: &str, leaves: &mut Vec<String>) {
    match &node.value {
        Content::Map(entries) => {
            for entry in entries {
                let path = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
                collect(&entry.node, &path, leaves);
            }
        }
        _ => leaves.push(path.to_owned()),
    }
}

#[test]
fn what_is_wrong_is_shown_at_its_place() {
    let table = [
        ("name: blue\nendpoint_name: wine\n", None, "blue.yaml:1:1: `model` is missing"),
        ("nam: blue\nendpoint_name: wine\nmodel: azureml:a:1\n", None, "blue.yaml:1:1: unknown key `nam`"),
        (
            "name: b\nendpoint_name: wine\nmodel: azureml:a:1\ninstance_count: two\n",
            None,
            "blue.yaml:4:17: `two` is text; expected a whole number",
        ),
        (
            "name: b\nendpoint_name: other\nmodel: azureml:a:1\n",
            None,
            "blue.yaml:2:16: the bridge has no service `other`, and no team was named for a new one; expected `--team TEAM`",
        ),
        (
            "name: b\nendpoint_name: wine\nmodel: azureml:a:1\n",
            Some("oncology"),
            "blue.yaml:2:16: endpoint `wine` is the bridge's service of team `cellar`, not of `oncology`",
        ),
        (
            "name: b\nendpoint_name: wine\nmodel: {path: ./model.pkl}\n",
            None,
            "blue.yaml:3:1: a model given in place is in no registry to carry it from",
        ),
        (
            "name: b\nendpoint_name: other\nenvironment: azureml:packed:1\n",
            Some("cellar"),
            "`model` is missing; expected a registered model",
        ),
        (
            "name: b\nendpoint_name: wine\nmodel: azureml:a:1\nstartup_probe: {period: 1}\n",
            None,
            "blue.yaml:4:1: unknown key `startup_probe`",
        ),
        (
            "name: b\nendpoint_name: wine\nmodel: azureml:a:1\nresources: {requests: {cpu: many}}\n",
            None,
            "blue.yaml:4:29: `many` is no quantity",
        ),
        (
            "name: b\nendpoint_name: wine\nmodel: azureml:a:1\nscale_settings: {type: target_utilization, min_instances: 3, max_instances: 2}\n",
            None,
            "blue.yaml:4:59: `min_instances` is 3 and `max_instances` is 2",
        ),
        (
            "name: b\nendpoint_name: wine\nmodel: azureml:a:1\nenvironment_variables: {1X: y}\n",
            None,
            "blue.yaml:4:25: `1X` is no name of an environment variable",
        ),
        ("- a\n", None, "blue.yaml:1:1: this is no deployment"),
        ("", None, "blue.yaml:1:1: this is no deployment"),
        ("a: [1\n", None, "blue.yaml:"),
    ];
    for (text, team, expected) in table {
        let said = refused(text, team);
        assert!(said.contains(expected), "{expected}\nis not in\n{said}");
    }
}

#[test]
fn a_model_that_is_not_registered_is_refused() {
    for model in ["azureml:_a:1", "azureml:a", "a:1", "../m.pkl", "azureml://datastores/d/paths/m"] {
        let said = refused(&format!("name: b\nendpoint_name: wine\nmodel: {model}\n"), None);
        let expected = format!("blue.yaml:3:8: `{model}` names no registered model version");
        assert!(said.contains(&expected), "{expected}\nis not in\n{said}");
    }
}

#[test]
fn a_package_is_named_with_its_version() {
    for environment in ["azureml:packed@latest", "azureml:packed", "packed:1", "azureml:/subscriptions/s"] {
        let text = format!("name: b\nendpoint_name: wine\nenvironment: {environment}\n");
        let said = refused(&text, None);
        let expected = format!("blue.yaml:3:14: `{environment}` names no version of an environment");
        assert!(said.contains(&expected), "{expected}\nis not in\n{said}");
    }
}

#[test]
fn a_file_that_breaks_off_anywhere_is_read_or_told_of_inside_it() {
    for text in [MANAGED, KUBERNETES, INLINE, PACKAGE] {
        for end in (0..text.len()).step_by(3) {
            let cut = &text[..end];
            let bridge = fixture::bridge();
            let target = Target { bridge: &bridge, team: Some("cellar") };
            let Err(problems) = adapt("blue.yaml", cut, target) else { continue };
            assert!(!problems.is_empty(), "{cut}");
            for problem in problems {
                assert!(cut.get(problem.spot.span.clone()).is_some(), "{problem:?}\n{cut}");
            }
        }
    }
}

#[test]
fn an_image_by_tag_is_not_taken() {
    let text = "name: b\nendpoint_name: wine\nmodel: azureml:a:1\nenvironment:\n  image: mcr.microsoft.com/azureml/minimal:latest\n";
    let adapted = adapted(text, None).unwrap();
    assert_eq!(adapted.service.runtime, Runtime::Onnx, "the bridge's service keeps its own");
    let noted = &adapted.not_carried_over[0];
    assert_eq!((noted.field.as_str(), noted.line), ("environment.image", 5));
    assert!(noted.reason.contains("by digest"), "{}", noted.reason);
}

#[test]
fn the_bridges_service_stays_as_it_is_where_the_deployment_is_silent() {
    let adapted = adapted(PACKAGE, None).unwrap();
    let (service, before) = (&adapted.service, fixture::service());
    let package = Runtime::Package { environment: "wine-package".to_owned(), version: "4".to_owned() };
    assert_eq!(service.runtime, package);
    assert_eq!((&service.model, &service.scaling), (&before.model, &before.scaling));
    assert_eq!((&service.resources, &service.team), (&before.resources, &before.team));
    assert_eq!(service.tuning.readiness, ProbeTuning::default());
}

#[test]
fn every_way_to_name_a_registered_model_is_taken() {
    const ID: &str = "subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/models/a/versions/1";
    for (model, expected) in [
        ("azureml:a:1", VersionRef::Exact("1".to_owned())),
        ("azureml:a@latest", VersionRef::Latest),
        ("azureml://registries/r/models/a/versions/1", VersionRef::Exact("1".to_owned())),
        ("azureml://registries/r/models/a/labels/latest", VersionRef::Latest),
        (&format!("azureml:/{ID}"), VersionRef::Exact("1".to_owned())),
        (&format!("/{ID}"), VersionRef::Exact("1".to_owned())),
    ] {
        let text = format!("name: b\nendpoint_name: wine\nmodel: {model}\n");
        let found = adapted(&text, None).unwrap().service.model;
        assert_eq!((found.name.as_str(), &found.version), ("a", &expected), "{model}");
    }
}

#[test]
fn secrets_are_found_by_their_field() {
    const HEAD: &str = "name: b\nendpoint_name: wine\nmodel: azureml:a:1\n";
    let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
    for (rest, expected) in [
        ("environment_variables: {DB_PASSWORD: hunter2}", Some("environment_variables.DB_PASSWORD")),
        (&format!("environment_variables: {{A: {jwt}}}"), Some("environment_variables.A")),
        (&format!("tags: {{a: {jwt}}}"), Some("tags")),
        (&format!("description: {jwt}"), Some("description")),
        ("environment_variables: {LOG_LEVEL: debug}", None),
    ] {
        let leak = adapted(&format!("{HEAD}{rest}\n"), None).unwrap().leak();
        assert_eq!(leak.map(|(field, _)| field).as_deref(), expected, "{rest}");
    }
}
