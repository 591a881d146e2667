//! Tables over rendered objects.

use serde_json::json;

use super::*;
use crate::spec::{Expose, Runtime, Scaling};

fn rendered(service: &Service, replicas: Option<u32>) -> BTreeMap<String, Value> {
    let (bridge, team, version, image) =
        (fixture::bridge(), fixture::team(), fixture::version(), fixture::image());
    let rendering =
        Rendering { bridge: &bridge, team: &team, service, version: &version, image: &image, replicas };
    let objects = render(&rendering).unwrap();
    objects.into_iter().map(|it| (it["kind"].as_str().unwrap().to_owned(), it)).collect()
}

#[test]
fn kinds_follow_scaling() {
    let kinds = |min, max| -> Vec<String> {
        let service = Service { scaling: Scaling { min, max, cpu_percent: 70 }, ..fixture::service() };
        rendered(&service, None).into_keys().collect()
    };
    let base = ["Deployment", "NetworkPolicy", "Service", "ServiceAccount"];
    let with = |more: &[&str]| {
        let mut all: Vec<String> = base.iter().chain(more).map(|it| (*it).to_owned()).collect();
        all.sort();
        all
    };
    assert_eq!(kinds(1, 1), with(&[]));
    assert_eq!(kinds(1, 3), with(&["HorizontalPodAutoscaler"]));
    assert_eq!(kinds(2, 2), with(&["PodDisruptionBudget"]));
    assert_eq!(kinds(2, 6), with(&["HorizontalPodAutoscaler", "PodDisruptionBudget"]));
}

#[test]
fn pods_are_restricted_and_keyless() {
    let objects = rendered(&fixture::service(), Some(2));
    let pod = &objects["Deployment"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let expected = json!({
        "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true, "runAsNonRoot": true
    });
    assert_eq!(container["securityContext"], expected);
    assert_eq!(pod["securityContext"]["runAsUser"], 65532);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(objects["ServiceAccount"]["automountServiceAccountToken"], false);
    assert_eq!(container["image"], fixture::image());
    assert_eq!(container["ports"][0]["containerPort"], 5001);
    assert_eq!(container["readinessProbe"]["httpGet"], json!({"path": "/", "port": "http"}));
    assert_eq!(container["resources"]["limits"], json!({"memory": "256Mi"}));
    assert_eq!(pod["topologySpreadConstraints"][0]["whenUnsatisfiable"], "ScheduleAnyway");
    assert!(pod.get("volumes").is_none());
}

#[test]
fn a_runtime_of_the_users_has_its_port_and_somewhere_to_write() {
    let image = format!("host/base@sha256:{}", "0".repeat(64));
    let service =
        Service { runtime: Runtime::Image { image, port: 9000, signed_by: None }, ..fixture::service() };
    let pod = &rendered(&service, None)["Deployment"]["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["ports"][0]["containerPort"], 9000);
    assert_eq!(pod["containers"][0]["volumeMounts"], json!([{"name": "tmp", "mountPath": "/tmp"}]));
}

#[test]
fn the_old_version_serves_while_the_new_one_starts() {
    let deployment = &rendered(&fixture::service(), Some(3))["Deployment"]["spec"];
    assert_eq!(deployment["strategy"]["rollingUpdate"], json!({"maxSurge": 1, "maxUnavailable": 0}));
    assert_eq!(deployment["replicas"], 3);
    let left_open = rendered(&fixture::service(), None);
    assert!(left_open["Deployment"]["spec"].get("replicas").is_none());
}

#[test]
fn nothing_in_the_selector_changes_with_the_version() {
    let (bridge, team, service) = (fixture::bridge(), fixture::team(), fixture::service());
    let select = |version: &ModelVersion| {
        let image = fixture::image();
        let rendering = Rendering {
            bridge: &bridge,
            team: &team,
            service: &service,
            version,
            image: &image,
            replicas: None,
        };
        render(&rendering).unwrap().into_iter().find(|it| it["kind"] == "Deployment").unwrap()
    };
    let first = select(&fixture::version());
    let second = select(&ModelVersion { version: "Two_2".to_owned(), ..fixture::version() });
    assert_eq!(first["spec"]["selector"], second["spec"]["selector"]);
    assert_ne!(first["spec"]["template"]["metadata"], second["spec"]["template"]["metadata"]);
    assert_eq!(second["metadata"]["annotations"]["gangplank.dev/model-version"], "Two_2");
    let labels = &first["spec"]["template"]["metadata"]["labels"];
    for (name, value) in first["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&labels[name], value);
    }
    assert_eq!(labels["cost-centre"], "42");
    assert_eq!(labels["gangplank.dev/model"], "wine-cultivar-742c5b");
}

#[test]
fn exposure_is_only_what_was_asked_for() {
    let with = |expose| rendered(&Service { expose, ..fixture::service() }, None);
    let annotation = |objects: &BTreeMap<String, Value>| {
        objects["Service"]["metadata"]["annotations"].get("networking.gke.io/load-balancer-type").cloned()
    };
    let (cluster, internal, public) = (with(Expose::Cluster), with(Expose::Internal), with(Expose::Public));
    let kind = |objects: &BTreeMap<String, Value>| objects["Service"]["spec"]["type"].clone();
    assert_eq!((kind(&cluster), annotation(&cluster)), (json!("ClusterIP"), None));
    assert_eq!((kind(&internal), annotation(&internal)), (json!("LoadBalancer"), Some(json!("Internal"))));
    assert_eq!((kind(&public), annotation(&public)), (json!("LoadBalancer"), None));
    let from = &cluster["NetworkPolicy"]["spec"]["ingress"][0]["from"];
    assert_eq!(from[1]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], "shop");
    assert!(public["NetworkPolicy"]["spec"]["ingress"][0].get("from").is_none());
    assert_eq!(cluster["Service"]["spec"]["ports"][0]["port"], 8080);
}

#[test]
fn images_must_be_pinned() {
    let good = fixture::image();
    let (bridge, team, service, version) =
        (fixture::bridge(), fixture::team(), fixture::service(), fixture::version());
    for image in ["host/a:1", "host/a", "@sha256:00", &good[..good.len() - 1], &good.replace("ab", "zz")] {
        let rendering = Rendering {
            bridge: &bridge,
            team: &team,
            service: &service,
            version: &version,
            image,
            replicas: None,
        };
        assert_eq!(render(&rendering), Err(RenderError::Unpinned(image.to_owned())));
    }
}

#[test]
fn what_a_version_carries_does_not_pass_the_gate() {
    let (bridge, team, service, image) =
        (fixture::bridge(), fixture::team(), fixture::service(), fixture::image());
    let version = ModelVersion {
        asset_id: "https://a.blob.core.windows.net/c?sig=abcdefghijklmnopqrstuvwxyz".to_owned(),
        ..fixture::version()
    };
    let rendering = Rendering {
        bridge: &bridge,
        team: &team,
        service: &service,
        version: &version,
        image: &image,
        replicas: None,
    };
    let error = render(&rendering).unwrap_err().to_string();
    assert!(error.contains("Deployment/wine") && error.contains("shared access signature"), "{error}");
    assert!(!error.contains("abcdef"), "{error}");
}

#[test]
fn yaml_is_read_back_as_it_was() {
    let objects: Vec<Value> = rendered(&fixture::service(), Some(2)).into_values().collect();
    let text = to_yaml(&objects).unwrap();
    assert_eq!(text.matches("---\n").count(), objects.len());
    let read: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    assert_eq!(read, objects);
}

#[test]
fn everything_as_yaml() {
    let (bridge, team, service) = (fixture::bridge(), fixture::team(), fixture::service());
    let (version, image) = (fixture::version(), fixture::image());
    let rendering = Rendering {
        bridge: &bridge,
        team: &team,
        service: &service,
        version: &version,
        image: &image,
        replicas: Some(2),
    };
    insta::assert_snapshot!(to_yaml(&render(&rendering).unwrap()).unwrap());
}
