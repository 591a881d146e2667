//! Pods: pulled, run, probed, rolled, restarted, stopped, and never left behind.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Pod, ResourceQuota, Service};
use kube::api::{DeleteParams, ListParams, LogParams, PostParams};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::program::SCRIPT;
use super::{Ship, deployment, object, service, until};
use crate::quay::sandbox::{Options, Sandbox};
use crate::quay::{Quay, client};

async fn shipped(ship: &Ship) -> String {
    ship.repository().await;
    ship.grant_node().await;
    let image = ship.push("1", SCRIPT, &["VERSION=one", "MODEL=/app/model"]).await;
    ship.apply::<Deployment>("hello", &deployment(&image)).await.unwrap();
    ship.apply::<Service>("hello", &service()).await.unwrap();
    ship.rolled_out().await;
    ship.address().await
}

async fn read(client: &reqwest::Client, url: &str) -> Result<String, String> {
    let reply = client.get(url).send().await.map_err(|error| format!("{error:?}"))?;
    let reply = reply.error_for_status().map_err(|error| error.to_string())?;
    reply.text().await.map_err(|error| format!("{error:?}"))
}

/// Asks with a new connection each time until told to stop; returns every distinct answer, and every failure.
async fn load(address: String, stop: Arc<AtomicBool>) -> (Vec<String>, Vec<String>) {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let (mut answers, mut failures) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        match read(&client, &address).await {
            Ok(answer) if answers.contains(&answer) => {}
            Ok(answer) => answers.push(answer),
            Err(failure) => failures.push(failure),
        }
    }
    (answers, failures)
}

fn is_running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_answers_rolls_without_a_failed_request_and_leaves_nothing() {
    let ship = Ship::new().await;
    let address = shipped(&ship).await;
    assert_eq!(read(&ship.quay.client, &address).await.unwrap(), "one the model");

    let stop = Arc::new(AtomicBool::new(false));
    let loads = [(), ()].map(|()| tokio::spawn(load(address.clone(), Arc::clone(&stop))));
    let second = ship.push("2", SCRIPT, &["VERSION=two", "MODEL=/app/model"]).await;
    ship.apply::<Deployment>("hello", &deployment(&second)).await.unwrap();
    ship.rolled_out().await;
    until("the old pods' end", || async {
        (ship.all::<Pod>().list(&ListParams::default()).await.unwrap().items.len() == 2).then_some(())
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    for load in loads {
        let (answers, failures) = load.await.unwrap();
        assert!(failures.is_empty(), "{failures:?}");
        assert_eq!(answers, ["one the model", "two the model"]);
    }
    let sets = ship.all::<ReplicaSet>().list(&ListParams::default()).await.unwrap();
    let mut sizes: Vec<i32> =
        sets.items.iter().map(|set| set.spec.as_ref().unwrap().replicas.unwrap()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [0, 2]);

    let pid = read(&ship.quay.client, &format!("{address}/pid")).await.unwrap();
    assert!(is_running(&pid));
    ship.quay.sandbox.stop().await;
    assert!(!is_running(&pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_reached_through_the_api_server_and_logs_are_read() {
    let ship = Ship::new().await;
    shipped(&ship).await;
    let path = "/api/v1/namespaces/team/services/hello:http/proxy/echo";
    let request =
        http::Request::post(path).header("content-type", "text/plain").body(b"said".to_vec()).unwrap();
    assert_eq!(ship.client.request_text(request).await.unwrap(), "said");

    let pods = ship.all::<Pod>().list(&ListParams::default().labels("app=hello")).await.unwrap();
    let name = pods.items[0].metadata.name.clone().unwrap();
    let log = ship.all::<Pod>().logs(&name, &LogParams::default()).await.unwrap();
    assert!(log.contains("listening"), "{log}");

    ship.all::<Deployment>().delete("hello", &DeleteParams::foreground()).await.unwrap();
    until("the end of everything owned", || async {
        let pods = ship.all::<Pod>().list(&ListParams::default()).await.unwrap().items;
        let sets = ship.all::<ReplicaSet>().list(&ListParams::default()).await.unwrap().items;
        let deployments = ship.all::<Deployment>().list(&ListParams::default()).await.unwrap().items;
        (pods.is_empty() && sets.is_empty() && deployments.is_empty()).then_some(())
    })
    .await;
    let (status, body) = ship.ask(reqwest::Method::GET, path, &ship.admin(), None).await;
    assert_eq!(status, 503, "{body}");
    assert_eq!(body["message"], "no endpoints available for service \"hello:http\"");
    ship.quay.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_pull_says_why_and_heals_with_a_later_grant() {
    let ship = Ship::new().await;
    ship.repository().await;
    let image = ship.push("1", SCRIPT, &["VERSION=one", "MODEL=/app/model"]).await;
    ship.apply::<Deployment>("hello", &deployment(&image)).await.unwrap();
    let message = ship.waiting("ImagePullBackOff").await;
    let denied = "403 Forbidden: denied: Permission \"artifactregistry.repositories.downloadArtifacts\" denied on \
                  resource \"projects/harbour-sandbox/locations/europe-west4/repositories/models\" (or it may not exist)";
    assert!(
        message.starts_with(&format!("Back-off pulling image \"{image}\": ErrImagePull: failed to pull")),
        "{message}"
    );
    assert!(message.contains(denied), "{message}");
    ship.grant_node().await;
    ship.rolled_out().await;
    ship.quay.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_from_elsewhere_are_not_pulled() {
    let ship = Ship::new().await;
    ship.apply::<Deployment>("hello", &deployment("nginx:1")).await.unwrap();
    let message = ship.waiting("ImagePullBackOff").await;
    assert!(message.contains("Head \"https://docker.io/v2/library/nginx/manifests/1\""), "{message}");
    assert!(message.contains("the sandbox's node pulls from the sandbox's registry only"), "{message}");
    ship.quay.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashing_program_is_restarted_ever_more_patiently() {
    let ship = Ship::new().await;
    ship.repository().await;
    ship.grant_node().await;
    let image = ship.push("1", "#!/bin/sh\necho about to fail\nexit 3\n", &[]).await;
    ship.apply::<Deployment>("hello", &deployment(&image)).await.unwrap();
    let message = ship.waiting("CrashLoopBackOff").await;
    assert!(message.starts_with("back-off 1s restarting failed container=main pod=hello-"), "{message}");
    let name = until("a restart", || async {
        let pods = ship.all::<Pod>().list(&ListParams::default()).await.unwrap();
        pods.items.into_iter().find_map(|pod| {
            let status = pod.status?.container_statuses?.into_iter().next()?;
            let last = status.last_state?.terminated?;
            assert_eq!((last.exit_code, last.reason.as_deref()), (3, Some("Error")));
            (status.restart_count > 0).then_some(pod.metadata.name?)
        })
    })
    .await;
    let previous = LogParams { previous: true, ..LogParams::default() };
    assert_eq!(ship.all::<Pod>().logs(&name, &previous).await.unwrap(), "about to fail\n");
    ship.quay.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_cannot_start() {
    let ship = Ship::new().await;
    ship.repository().await;
    ship.grant_node().await;
    let image = ship.push("1", SCRIPT, &[]).await;
    let mut wish = deployment(&image);
    wish["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["/app/absent"]);
    ship.apply::<Deployment>("hello", &wish).await.unwrap();
    let message = ship.waiting("RunContainerError").await;
    assert!(
        message.ends_with("exec: \"/app/absent\": stat /app/absent: no such file or directory"),
        "{message}"
    );
    ship.quay.sandbox.stop().await;
}

/// The message of a condition of deployment `hello`, once it is there.
async fn condition(ship: &Ship, kind: &str, status: &str) -> (String, String) {
    until(kind, || async {
        let deployment = ship.all::<Deployment>().get("hello").await.unwrap();
        let conditions = deployment.status?.conditions?;
        let found = conditions.into_iter().find(|one| one.type_ == kind && one.status == status)?;
        Some((found.reason.unwrap_or_default(), found.message.unwrap_or_default()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_admission_refuses_stands_in_the_conditions() {
    let ship = Ship::new().await;
    let quota = json!({ "metadata": { "name": "gangplank" }, "spec": { "hard": { "pods": "1" } } });
    ship.all::<ResourceQuota>().create(&PostParams::default(), &object(quota)).await.unwrap();
    let mut wish = deployment("nginx:1");
    wish["spec"]["progressDeadlineSeconds"] = json!(1);
    ship.apply::<Deployment>("hello", &wish).await.unwrap();
    let (reason, message) = condition(&ship, "ReplicaFailure", "True").await;
    assert_eq!(reason, "FailedCreate");
    let words = "is forbidden: exceeded quota: gangplank, requested: pods=1, used: pods=1, limited: pods=1";
    assert!(message.ends_with(words), "{message}");
    let (reason, message) = condition(&ship, "Progressing", "False").await;
    assert_eq!(reason, "ProgressDeadlineExceeded");
    assert!(message.ends_with("has timed out progressing."), "{message}");

    ship.namespace("strict", json!({ "pod-security.kubernetes.io/enforce": "restricted" })).await;
    let bare: Value =
        json!({ "metadata": { "name": "bare" }, "spec": { "containers": [{ "name": "c", "image": "i" }] } });
    let pods = kube::Api::<Pod>::namespaced(ship.client.clone(), "strict");
    let (code, reason, message) = super::refusal(pods.create(&PostParams::default(), &object(bare)).await);
    assert_eq!((code, reason.as_str()), (403, "Forbidden"));
    assert!(
        message.starts_with("pods \"bare\" is forbidden: violates PodSecurity \"restricted:latest\": "),
        "{message}"
    );
    ship.quay.sandbox.stop().await;
}

/// Where [`doomed`] is told to keep its sandbox.
const FOLDER: &str = "GANGPLANK_TEST_FOLDER";

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sandbox_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = tokio::process::Command::from(Command::new(std::env::current_exe().unwrap()))
        .args(["cluster::pods::doomed", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let pid = loop {
        let line = lines.next_line().await.unwrap().expect("the sandbox tells its pod's process");
        if let Some((_, pid)) = line.split_once("serving as ") {
            break pid.to_owned();
        }
    };
    assert!(is_running(&pid));
    child.kill().await.unwrap();
    until("the end of the orphan", || async { (!is_running(&pid)).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that a_killed_sandbox_leaves_no_process kills"]
#[expect(clippy::disallowed_methods, reason = "its parent tells it where to live")]
async fn doomed() {
    let folder = std::env::var(FOLDER).unwrap();
    let options = Options { folder: Some(Path::new(&folder).to_owned()), ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let client = client(&sandbox);
    let ship = Ship::on(Quay { sandbox, client }).await;
    let address = shipped(&ship).await;
    println!("serving as {}", read(&ship.quay.client, &format!("{address}/pid")).await.unwrap());
    std::future::pending::<()>().await;
}
