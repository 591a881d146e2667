//! The cluster's client against a small API server of our own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bridge::inventory::Inventory;
use bridge::plan::{Action, Change, Need, Outputs};
use bridge::port::{Cluster as _, ObjectKey, Refused};
use bridge::resource::{KubernetesObject, Resource, ResourceKey};
use bridge::spec::Bridge;
use serde_json::{Value, json};

use super::api::Api;
use super::{Cluster, SetUp, kinds};

/// Answers by the start of `METHOD PATH`; each is given once, the last one for ever.
type Answers = Vec<(&'static str, VecDeque<(u16, Value)>)>;

#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<Answers>>,
    /// `METHOD PATH?QUERY CONTENT-TYPE BODY` of every request.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn answers(&self, request: &'static str, answers: &[(u16, Value)]) {
        self.answers.lock().unwrap().push((request, answers.iter().cloned().collect()));
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn start(&self) -> Cluster {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(serve).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut config = kube::Config::new(format!("http://{address}").parse().unwrap());
        config.default_retry = false;
        let client = kube::Client::try_from(config).unwrap();
        Cluster { api: Api { client, bearer: None }, who: "tester".to_owned() }
    }
}

async fn serve(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let content_type = parts.headers.get("content-type").map_or("-", |it| it.to_str().unwrap());
    let asked = format!("{} {}", parts.method, parts.uri);
    let line = format!("{asked} {content_type} {}", String::from_utf8_lossy(&body));
    server.asked.lock().unwrap().push(line.trim_end().to_owned());
    let mut answers = server.answers.lock().unwrap();
    let found = answers.iter_mut().find(|(start, _)| asked.starts_with(start));
    let (status, body) = match found {
        Some((_, answers)) if answers.len() > 1 => answers.pop_front().unwrap(),
        Some((_, answers)) => answers.front().cloned().unwrap(),
        None => (404, status_object("NotFound", "not found")),
    };
    let response = Response::builder().status(status).header("content-type", "application/json");
    let response = if status == 429 { response.header("retry-after", 0) } else { response };
    response.body(Body::from(body.to_string())).unwrap()
}

fn status_object(reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message})
}

fn config_map(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": name}})
}

fn namespace_key(name: &str) -> ObjectKey {
    ObjectKey { kind: kinds::kind("v1", "Namespace"), namespace: None, name: name.to_owned() }
}

#[tokio::test]
async fn objects_are_applied_with_our_name_and_by_force() {
    let server = Server::default();
    server.answers("PATCH /api/v1/namespaces/team/configmaps/c", &[(200, config_map("team", "c"))]);
    let cluster = server.start().await;
    let object = config_map("team", "c");
    assert_eq!(cluster.apply(&object).await.unwrap(), object);
    let expected = format!(
        "PATCH /api/v1/namespaces/team/configmaps/c?fieldManager=gangplank&force=true application/apply-patch+yaml {object}"
    );
    assert_eq!(server.asked(), [expected]);
}

#[tokio::test]
async fn lists_go_over_all_pages_and_name_what_they_hold() {
    let server = Server::default();
    let page = |name: &str, next: &str| json!({"metadata": {"continue": next}, "items": [{"metadata": {"name": name}}]});
    server.answers(
        "GET /apis/apps/v1/namespaces/team/deployments",
        &[(200, page("a", "more")), (200, page("b", ""))],
    );
    let cluster = server.start().await;
    let labels = [("team".to_owned(), "a".to_owned()), ("x/y".to_owned(), "b".to_owned())].into();
    let all = cluster.list(&kinds::kind("apps/v1", "Deployment"), "team", &labels).await.unwrap();
    let named: Vec<_> = all.iter().map(|it| (it["kind"].as_str(), it["metadata"]["name"].as_str())).collect();
    assert_eq!(named, [(Some("Deployment"), Some("a")), (Some("Deployment"), Some("b"))]);
    let asked = server.asked();
    assert!(asked[0].contains("labelSelector=team%3Da%2Cx%2Fy%3Db"), "{}", asked[0]);
    assert!(asked[1].contains("continue=more"), "{}", asked[1]);
}

#[tokio::test]
async fn a_busy_server_is_waited_for() {
    let server = Server::default();
    let busy = (429, status_object("TooManyRequests", "later"));
    server.answers("GET /api/v1/namespaces/team", &[busy.clone(), busy, (200, json!({"kind": "Namespace"}))]);
    let cluster = server.start().await;
    assert!(cluster.get(&namespace_key("team")).await.unwrap().is_some());
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_login_that_ran_out_costs_one_more_try() {
    let server = Server::default();
    let refused = (401, status_object("Unauthorized", "Unauthorized"));
    server.answers("GET /api/v1/namespaces/team", &[refused.clone(), (200, json!({"kind": "Namespace"}))]);
    server.answers("GET /api/v1/namespaces/other", &[refused]);
    let cluster = server.start().await;
    assert!(cluster.get(&namespace_key("team")).await.unwrap().is_some());
    assert_eq!(cluster.get(&namespace_key("other")).await.unwrap_err().kind, Refused::Unauthenticated);
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn refusals_keep_the_servers_words() {
    let server = Server::default();
    let words = "deployments.apps is forbidden: User \"x\" cannot patch resource";
    server.answers("PATCH", &[(403, status_object("Forbidden", words))]);
    let cluster = server.start().await;
    let refused = cluster.apply(&config_map("team", "c")).await.unwrap_err();
    assert_eq!((refused.kind, refused.code.as_deref()), (Refused::Denied, Some("Forbidden")));
    assert_eq!(refused.to_string(), format!("Kubernetes: {words}"));
    assert_eq!(cluster.get(&namespace_key("gone")).await.unwrap(), None);
    cluster.delete(&namespace_key("gone")).await.unwrap();
}

#[tokio::test]
async fn a_services_own_refusal_is_its_answer() {
    let server = Server::default();
    let refusal = json!({"error": "expected 30 numbers"});
    server.answers("POST /api/v1/namespaces/team/services/m:http/proxy/score", &[(400, refusal.clone())]);
    server.answers(
        "GET /api/v1/namespaces/team/services/m:http/proxy/",
        &[(503, status_object("ServiceUnavailable", "no endpoints available for service \"m\""))],
    );
    let cluster = server.start().await;
    let reply = cluster.through_proxy("team", "m:http", "/score", Some("{}".into())).await.unwrap();
    assert_eq!((reply.status, serde_json::from_slice::<Value>(&reply.body).unwrap()), (400, refusal));
    let refused = cluster.through_proxy("team", "m:http", "/", None).await.unwrap_err();
    assert_eq!((refused.kind, refused.status), (Refused::Unavailable, Some(503)));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    // Bound, so that nobody else gets the port, and never listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let free = socket.local_addr().unwrap();
    let mut config = kube::Config::new(format!("http://{free}").parse().unwrap());
    config.default_retry = false;
    let client = kube::Client::try_from(config).unwrap();
    let cluster = Cluster { api: Api { client, bearer: None }, who: "tester".to_owned() };
    let refused = cluster.get(&namespace_key("x")).await.unwrap_err();
    assert_eq!(refused.kind, Refused::Unavailable);
    assert!(refused.message.starts_with("the cluster cannot be reached: "), "{refused}");
}

#[tokio::test]
async fn rights_are_asked_for_one_by_one() {
    let server = Server::default();
    let denied = json!({"status": {"allowed": false}});
    server.answers("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &[(201, denied)]);
    let set_up = SetUp::new(server.start().await);
    let need = Need::Kubernetes {
        verb: "create".to_owned(),
        group: String::new(),
        resource: "services/proxy".to_owned(),
    };
    let missing = set_up.missing(std::slice::from_ref(&need)).await.unwrap();
    assert_eq!((missing.len(), &missing[0].need, missing[0].who.as_str()), (1, &need, "tester"));
    let asked = server.asked();
    let review: Value = serde_json::from_str(asked[0].split_once(" application/json ").unwrap().1).unwrap();
    let attributes = json!({"verb": "create", "group": "", "resource": "services", "subresource": "proxy"});
    assert_eq!(review["spec"]["resourceAttributes"], attributes);
}

fn bridge() -> Bridge {
    let text = include_str!("../../../bridge/src/file/examples/harbour.yaml");
    bridge::file::parse("bridge.yaml", text).unwrap()
}

/// An object in namespace `team` that carries the bridge's mark, or does not.
fn object(bridge: &Bridge, kind: &str, name: &str, marked: bool) -> Value {
    let labels = if marked { json!(bridge.mark_labels()) } else { json!({}) };
    json!({"kind": kind, "apiVersion": "v1", "metadata": {"name": name, "namespace": "team", "labels": labels}})
}

#[tokio::test]
async fn a_namespace_with_things_of_others_holds() {
    for (foreign, holds) in [(false, None), (true, Some("ConfigMap `theirs`, which is not ours"))] {
        let (server, bridge) = (Server::default(), bridge());
        let mut maps = vec![
            object(&bridge, "ConfigMap", "ours", true),
            object(&bridge, "ConfigMap", "kube-root-ca.crt", false),
        ];
        maps.extend(foreign.then(|| object(&bridge, "ConfigMap", "theirs", false)));
        let mut pod = object(&bridge, "Pod", "owned", false);
        pod["metadata"]["ownerReferences"] = json!([{"kind": "ReplicaSet", "name": "r"}]);
        let mut namespace = object(&bridge, "Namespace", "team", true);
        namespace["metadata"].as_object_mut().unwrap().remove("namespace");
        server.answers("GET /api/v1/namespaces/team/configmaps", &[(200, json!({"items": maps}))]);
        server.answers("GET /api/v1/namespaces/team/pods", &[(200, json!({"items": [pod]}))]);
        server.answers("GET /api/v1/namespaces?", &[(200, json!({"items": [namespace]}))]);
        let set_up = SetUp::new(server.start().await);
        let mut inventory = Inventory::default();
        set_up.observe(&bridge, &[], &mut inventory).await.unwrap();
        let found = &inventory.found[&ResourceKey("kubernetes/Namespace/team".to_owned())];
        assert_eq!((found.marked, found.holds.as_deref()), (true, holds));
        assert_eq!(inventory.found.len(), 1);
    }
}

/// However many teams there are: what is in step costs one list a kind.
#[tokio::test]
async fn observing_takes_lists_and_no_questions_about_single_objects() {
    let (server, bridge) = (Server::default(), bridge());
    let objects = |kind: &str, version: &str, namespaced: bool| -> Vec<Value> {
        let object = |number: usize| {
            let name = if namespaced { "gangplank".to_owned() } else { format!("team-{number}") };
            let mut object = json!({"kind": kind, "apiVersion": version,
                "metadata": {"name": name, "labels": bridge.mark_labels()}});
            if namespaced {
                object["metadata"]["namespace"] = json!(format!("team-{number}"));
            }
            object
        };
        (0..200).map(object).collect()
    };
    let namespaces = objects("Namespace", "v1", false);
    let quotas = objects("ResourceQuota", "v1", true);
    server.answers("GET /api/v1/namespaces?", &[(200, json!({"items": namespaces}))]);
    server.answers("GET /api/v1/resourcequotas?", &[(200, json!({"items": quotas}))]);
    let wanted: Vec<Resource> = namespaces
        .iter()
        .chain(&quotas)
        .map(|object| Resource::Kubernetes(KubernetesObject { object: object.clone() }))
        .collect();
    let set_up = SetUp::new(server.start().await);
    let mut inventory = Inventory::default();
    set_up.observe(&bridge, &wanted, &mut inventory).await.unwrap();
    assert_eq!(inventory.found.len(), 400);
    assert_eq!(server.asked().len(), kinds::OURS.len());
    // Nothing is in a namespace that is not there, so nobody asks.
    let gone = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "gone"}});
    let inner =
        json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c", "namespace": "gone"}});
    let wanted = [gone, inner].map(|object| Resource::Kubernetes(KubernetesObject { object }));
    let before = server.asked().len();
    let all: Vec<Resource> = wanted.into_iter().chain(wanted_of(&namespaces)).collect();
    set_up.observe(&bridge, &all, &mut Inventory::default()).await.unwrap();
    assert_eq!(server.asked().len() - before, kinds::OURS.len() + 1);
}

fn wanted_of(objects: &[Value]) -> impl Iterator<Item = Resource> {
    objects.iter().map(|object| Resource::Kubernetes(KubernetesObject { object: object.clone() }))
}

#[tokio::test]
async fn a_change_is_made_at_the_version_that_the_plan_saw_and_a_new_object_takes_nothing() {
    let (server, bridge) = (Server::default(), bridge());
    let seen = object(&bridge, "ConfigMap", "c", true);
    let mut found = seen.clone();
    found["metadata"]["resourceVersion"] = json!("17");
    server.answers("GET /api/v1/namespaces/team/configmaps/c", &[(200, seen.clone())]);
    server.answers(
        "PATCH /api/v1/namespaces/team/configmaps/c",
        &[(409, status_object("Conflict", "the object has been modified")), (200, seen.clone())],
    );
    let set_up = SetUp::new(server.start().await);
    let resource = |object: &Value| Resource::Kubernetes(KubernetesObject { object: object.clone() });
    let key = resource(&seen).key();
    let update = Action::Update { wanted: resource(&seen), found: resource(&found), differences: Vec::new() };
    let refused = set_up
        .perform(&bridge, &Change { key: key.clone(), action: update }, &Outputs::default())
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Refused::Conflict);
    let create = Action::Create { wanted: resource(&seen) };
    set_up.perform(&bridge, &Change { key, action: create }, &Outputs::default()).await.unwrap();
    let patches: Vec<String> = server.asked().into_iter().filter(|line| line.starts_with("PATCH")).collect();
    assert!(
        patches[0].contains("force=true") && patches[0].contains("\"resourceVersion\":\"17\""),
        "{}",
        patches[0]
    );
    assert!(!patches[1].contains("force") && !patches[1].contains("resourceVersion"), "{}", patches[1]);
}
