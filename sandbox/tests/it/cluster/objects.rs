//! Objects: created, applied, patched, watched, deleted, and refused in Kubernetes' words.

use std::pin::pin;

use futures_util::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use serde_json::{Value, json};

use super::{Ship, deployment, object, refusal, service, until};

fn config_map(data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "map" }, "data": data })
}

#[tokio::test]
async fn refusals_are_worded_as_kubernetes_does() {
    let ship = Ship::new().await;
    let maps = ship.all::<ConfigMap>();
    let told = |(code, reason, message): (u16, String, String)| format!("{code} {reason}: {message}");
    let get = told(refusal(maps.get("absent").await));
    assert_eq!(get, "404 NotFound: configmaps \"absent\" not found");

    let map: ConfigMap = object(config_map(&json!({ "a": "1" })));
    let created = maps.create(&PostParams::default(), &map).await.unwrap();
    let again = told(refusal(maps.create(&PostParams::default(), &map).await));
    assert_eq!(again, "409 AlreadyExists: configmaps \"map\" already exists");

    let mut stale = created.clone();
    stale.data = Some([("a".to_owned(), "2".to_owned())].into());
    maps.replace("map", &PostParams::default(), &stale).await.unwrap();
    let conflict = told(refusal(maps.replace("map", &PostParams::default(), &created).await));
    assert_eq!(
        conflict,
        "409 Conflict: Operation cannot be fulfilled on configmaps \"map\": the object has been modified; please \
         apply your changes to the latest version and try again"
    );

    let nowhere = Api::<ConfigMap>::namespaced(ship.client.clone(), "nowhere");
    let missing = told(refusal(nowhere.create(&PostParams::default(), &map).await));
    assert_eq!(missing, "404 NotFound: namespaces \"nowhere\" not found");

    let mut wrong = deployment("i");
    wrong["spec"]["replicas"] = json!("three");
    let wrong = told(refusal(ship.apply::<Deployment>("hello", &wrong).await));
    assert!(
        wrong.starts_with("400 BadRequest: Deployment in version \"v1\" cannot be handled as a Deployment: "),
        "{wrong}"
    );
    let mut unknown = deployment("i");
    unknown["spec"]["replica"] = json!(3);
    let unknown = told(refusal(ship.apply::<Deployment>("hello", &unknown).await));
    assert!(unknown.ends_with(".spec.replica: field not declared in schema"), "{unknown}");
    ship.quay.sandbox.stop().await;
}

#[tokio::test]
async fn applies_conflict_with_what_others_own() {
    let ship = Ship::new().await;
    let first: ConfigMap = ship.apply("map", &config_map(&json!({ "a": "1", "b": "1" }))).await.unwrap();
    let again: ConfigMap = ship.apply("map", &config_map(&json!({ "a": "1", "b": "1" }))).await.unwrap();
    assert_eq!(first, again);

    let maps = ship.all::<ConfigMap>();
    let edit = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    maps.patch("map", &edit, &Patch::Merge(json!({ "data": { "a": "2" } }))).await.unwrap();
    let (code, _, message) = refusal(ship.apply::<ConfigMap>("map", &config_map(&json!({ "a": "1" }))).await);
    assert_eq!(code, 409);
    assert_eq!(message, "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.a");

    let force = PatchParams::apply("test").force();
    let dry = PatchParams { dry_run: true, ..force.clone() };
    let wish = config_map(&json!({ "a": "1" }));
    let would = maps.patch("map", &dry, &Patch::Apply(&wish)).await.unwrap();
    assert_eq!(would.data.unwrap().len(), 1);
    assert_eq!(maps.get("map").await.unwrap().data.unwrap().len(), 2);
    let done = maps.patch("map", &force, &Patch::Apply(&wish)).await.unwrap();
    assert_eq!(done.data.unwrap(), [("a".to_owned(), "1".to_owned())].into());
    ship.quay.sandbox.stop().await;
}

#[tokio::test]
async fn other_patches_scale_and_status() {
    let ship = Ship::new().await;
    let mut wish = deployment("nginx:1");
    wish["spec"]["replicas"] = json!(0);
    ship.apply::<Deployment>("hello", &wish).await.unwrap();
    let deployments = ship.all::<Deployment>();
    let strategic = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "nginx:2" }] } } } });
    let changed =
        deployments.patch("hello", &PatchParams::default(), &Patch::Strategic(strategic)).await.unwrap();
    let containers = changed.spec.unwrap().template.spec.unwrap().containers;
    assert_eq!(containers[0].image.as_deref(), Some("nginx:2"));
    assert!(containers[0].readiness_probe.is_some());

    let json_patch = async |operation: &str| {
        let operations = json!([{ "op": operation, "path": "/spec/paused", "value": true }]);
        let request = http::Request::patch("/apis/apps/v1/namespaces/team/deployments/hello")
            .header("content-type", "application/json-patch+json")
            .body(operations.to_string().into_bytes());
        ship.client.request::<Deployment>(request.unwrap()).await
    };
    assert_eq!(refusal(json_patch("replace").await).0, 422);
    assert_eq!(json_patch("add").await.unwrap().spec.unwrap().paused, Some(true));

    let scale = json!({ "spec": { "replicas": 4 } });
    deployments.patch_scale("hello", &PatchParams::default(), &Patch::Merge(scale)).await.unwrap();
    assert_eq!(deployments.get_scale("hello").await.unwrap().spec.unwrap().replicas, Some(4));

    let mut moved = deployment("nginx:1");
    moved["spec"]["selector"]["matchLabels"] = json!({ "app": "hello", "b": "c" });
    moved["spec"]["template"]["metadata"]["labels"] = json!({ "app": "hello", "b": "c" });
    let (code, reason, message) =
        refusal(deployments.patch("hello", &PatchParams::apply("test").force(), &Patch::Apply(moved)).await);
    assert_eq!((code, reason.as_str()), (422, "Invalid"));
    assert!(
        message.contains("spec.selector: Invalid value: ") && message.ends_with(": field is immutable"),
        "{message}"
    );
    ship.quay.sandbox.stop().await;
}

#[tokio::test]
async fn lists_and_watches_follow_selectors() {
    let ship = Ship::new().await;
    let maps = ship.all::<ConfigMap>();
    for (name, tier) in [("one", "a"), ("two", "b")] {
        let map = json!({ "metadata": { "name": name, "labels": { "tier": tier } } });
        maps.create(&PostParams::default(), &object(map)).await.unwrap();
    }
    let list = maps.list(&ListParams::default().labels("tier in (a)")).await.unwrap();
    assert_eq!(list.items.len(), 1);
    let by_name = maps.list(&ListParams::default().fields("metadata.name=two")).await.unwrap();
    assert_eq!(by_name.items[0].metadata.name.as_deref(), Some("two"));

    let from = list.metadata.resource_version.unwrap();
    let stream = maps.watch(&WatchParams::default().labels("tier=a").timeout(60), &from).await.unwrap();
    let mut events = pin!(stream);
    let tier = |tier: &str| json!({ "metadata": { "labels": { "tier": tier } } });
    maps.patch("two", &PatchParams::default(), &Patch::Merge(tier("a"))).await.unwrap();
    maps.patch("one", &PatchParams::default(), &Patch::Merge(tier("c"))).await.unwrap();
    maps.delete("two", &DeleteParams::default()).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let name = |map: ConfigMap| map.metadata.name.unwrap();
        seen.push(match events.next().await.unwrap().unwrap() {
            WatchEvent::Added(map) => format!("added {}", name(map)),
            WatchEvent::Modified(map) => format!("modified {}", name(map)),
            WatchEvent::Deleted(map) => format!("deleted {}", name(map)),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(seen, ["added two", "deleted one", "deleted two"]);
    ship.quay.sandbox.stop().await;
}

#[tokio::test]
async fn services_get_an_address_and_namespaces_take_their_content_along() {
    let ship = Ship::new().await;
    let made: Service = ship.apply("hello", &service()).await.unwrap();
    let address = made.spec.unwrap().cluster_ip.unwrap();
    assert!(address.starts_with("127."), "{address}");
    let again: Service = ship.apply("hello", &service()).await.unwrap();
    assert_eq!(again.spec.unwrap().cluster_ip.unwrap(), address);

    let namespaces = Api::<Namespace>::all(ship.client.clone());
    namespaces.delete("team", &DeleteParams::default()).await.unwrap();
    until("the end of the namespace", || async {
        namespaces.get_opt("team").await.unwrap().is_none().then_some(())
    })
    .await;
    assert!(ship.all::<Service>().list(&ListParams::default()).await.unwrap().items.is_empty());
    assert!(ship.all::<ServiceAccount>().list(&ListParams::default()).await.unwrap().items.is_empty());
    let (code, _, message) = refusal(namespaces.delete("default", &DeleteParams::default()).await);
    assert_eq!(code, 403);
    assert_eq!(message, "namespaces \"default\" is forbidden: this namespace may not be deleted");
    ship.quay.sandbox.stop().await;
}
