//! Faults: throttled, cut, expired, each exactly once, armed in the process or over the control door.

use bytes::Bytes;
use reqwest::Method;
use serde_json::json;

use crate::quay::sandbox::seed;
use crate::quay::sandbox::world::Fault;
use crate::quay::{Quay, container, reply, workspace};

#[tokio::test]
async fn throttling_strikes_once() {
    let quay = Quay::new().await;
    quay.sandbox.world.faults.arm("resource_manager", Fault::Throttle { retry_after: 9 });
    let url = quay.arm_url(&workspace());
    let token = quay.administrator("management");
    let throttled = quay.client.get(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(
        (throttled.status().as_u16(), throttled.headers()["retry-after"].to_str().unwrap()),
        (429, "9")
    );
    let body: serde_json::Value = throttled.json().await.unwrap();
    assert_eq!(body["error"]["code"], "TooManyRequests");
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.0, 200);
}

#[tokio::test]
async fn a_cut_answer_is_incomplete_and_waits_for_one_long_enough() {
    let quay = Quay::new().await;
    let token = quay.blob_reader().await;
    let world = &quay.sandbox.world;
    world.azure.add_synthetic_model("Large", "1", "weights.bin", 1 << 20, &world.clock);
    world.azure.add_model("Small", "1", &[], &[("x", Bytes::from_static(b"short"))], &world.clock);
    let path = |name: &str, file: &str| {
        let folder = world.azure.models().version(name, "1").unwrap().folder.clone();
        quay.blob_url(&format!("/{folder}/{file}"))
    };
    world.faults.arm("blob", Fault::Cut { after: 100_000 });
    assert_eq!(quay.send(Method::GET, &path("Small", "x"), &token, None).await.1, json!("short"));
    let mut cut = quay.client.get(path("Large", "weights.bin")).bearer_auth(&token).send().await.unwrap();
    assert_eq!((cut.status().as_u16(), cut.content_length()), (200, Some(1 << 20)));
    let mut got = 0;
    let error = loop {
        match cut.chunk().await {
            Ok(Some(chunk)) => got += chunk.len(),
            Ok(None) => panic!("the answer ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(got, 100_000);
    let whole = quay.client.get(path("Large", "weights.bin")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(whole.bytes().await.unwrap().len(), 1 << 20);
}

#[tokio::test]
async fn an_expired_token_is_told_so_by_every_service() {
    let quay = Quay::new().await;
    let addresses = quay.sandbox.addresses();
    let cases = [
        ("resource_manager", "management", quay.arm_url(&workspace()), "ExpiredAuthenticationToken"),
        (
            "graph",
            "graph",
            format!("https://{}/v1.0/applications", addresses.graph),
            "InvalidAuthenticationToken",
        ),
        ("blob", "storage", quay.blob_url("?restype=container&comp=list"), "InvalidAuthenticationInfo"),
    ];
    for (service, token, url, code) in cases {
        quay.sandbox.world.faults.arm(service, Fault::Expired);
        let (status, body) = quay.send(Method::GET, &url, &quay.administrator(token), None).await;
        assert_eq!(status, 401, "{service}");
        assert!(body.to_string().contains(code), "{service}: {body}");
    }
    quay.sandbox.world.faults.arm("entra", Fault::Expired);
    let secret = quay.sandbox.world.azure.client_secret(seed::STRANGER.client_id).unwrap();
    let fields = [("client_secret", secret.as_str()), ("scope", "https://storage.azure.com/.default")];
    assert_eq!(quay.ask(seed::STRANGER.client_id, &fields).await.1["error_codes"], json!([7_000_222]));
    assert_eq!(quay.ask(seed::STRANGER.client_id, &fields).await.0, 200);
}

#[tokio::test]
async fn faults_are_armed_over_the_control_door() {
    let quay = Quay::new().await;
    let base = format!("http://{}", quay.sandbox.addresses().control);
    let arm =
        |service: &str, body: &'static str| quay.client.post(format!("{base}/faults/{service}")).body(body);
    assert_eq!(reply(arm("graph", r#"{"fault":"throttle","retry_after":1}"#)).await.0, 204);
    let (status, _) = quay.graph(Method::GET, "applications", None).await;
    assert_eq!(status, 429);
    let (status, body) = reply(arm("grahp", r#"{"fault":"expired"}"#)).await;
    assert_eq!(status, 404);
    assert!(body["error"].as_str().unwrap().contains("`grahp`"), "{body}");
    assert_eq!(reply(arm("graph", r#"{"fault":"explode"}"#)).await.0, 400);
    assert_eq!(reply(quay.client.get(format!("{base}/healthz"))).await.1, json!("ok"));
    let (_, addresses) = reply(quay.client.get(format!("{base}/addresses"))).await;
    assert_eq!(addresses["entra"], quay.sandbox.addresses().entra.to_string());
}

#[tokio::test]
async fn a_cut_breaks_an_http_1_connection_too() {
    let quay = Quay::new().await;
    let token = quay.blob_reader().await;
    let world = &quay.sandbox.world;
    world.azure.add_synthetic_model("Large", "1", "weights.bin", 1 << 20, &world.clock);
    let folder = world.azure.models().version("Large", "1").unwrap().folder.clone();
    let pem = std::fs::read(quay.sandbox.folder().join("ca.pem")).unwrap();
    let root = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([root]).no_proxy().http1_only().build().unwrap();
    world.faults.arm("blob", Fault::Cut { after: 70_000 });
    let url = quay.blob_url(&format!("/{folder}/weights.bin"));
    let mut cut = client.get(&url).bearer_auth(&token).send().await.unwrap();
    let mut got = 0;
    while let Ok(chunk) = cut.chunk().await {
        got += chunk.expect("the answer must not end as if it were whole").len();
    }
    assert_eq!(got, 70_000);
}

#[tokio::test]
async fn servers_errors_strike_so_often_and_only_what_they_wait_for() {
    let quay = Quay::new().await;
    let base = format!("http://{}/faults", quay.sandbox.addresses().control);
    let fault = json!({"fault": "error", "status": 503, "times": 2, "path": "/v1.0/groups"});
    assert_eq!(reply(quay.client.post(format!("{base}/graph")).json(&fault)).await.0, 204);
    let (_, armed) = reply(quay.client.get(&base)).await;
    assert_eq!(armed, json!({ "graph": [fault] }));
    assert_eq!(quay.graph(Method::GET, "applications", None).await.0, 200);
    for status in [503, 503, 200] {
        assert_eq!(quay.graph(Method::GET, "groups", None).await.0, status);
    }
    quay.sandbox.world.faults.arm("graph", Fault::Reset);
    assert_eq!(reply(quay.client.delete(&base)).await.0, 204);
    assert_eq!(quay.graph(Method::GET, "groups", None).await.0, 200);
}

#[tokio::test]
async fn a_lost_answer_was_carried_out_and_a_reset_was_not() {
    let quay = Quay::new().await;
    let url = format!("https://{}/v1.0/applications", quay.sandbox.addresses().graph);
    let create = |name: &str| {
        let request = quay.client.post(&url).bearer_auth(quay.administrator("graph"));
        request.json(&json!({ "displayName": name })).send()
    };
    for (fault, name) in [(Fault::Reset, "reset"), (Fault::LostAnswer, "lost")] {
        quay.sandbox.world.faults.arm("graph", fault);
        create(name).await.expect_err("the connection is closed");
    }
    let directory = quay.sandbox.world.azure.directory();
    let has = |name: &str| directory.applications.iter().any(|it| it.display_name == name);
    assert!(has("lost") && !has("reset"));
}

#[tokio::test]
async fn a_late_and_a_stalled_answer_arrive_whole() {
    let quay = Quay::new().await;
    for fault in [Fault::Late { milliseconds: 20 }, Fault::Stall { after: 5, milliseconds: 20 }] {
        quay.sandbox.world.faults.arm("graph", fault);
        let (status, body) = quay.graph(Method::GET, "groups", None).await;
        assert_eq!(status, 200);
        assert!(body["value"].is_array(), "{body}");
    }
    assert!(quay.sandbox.world.faults.armed().is_empty());
}

#[tokio::test]
async fn a_wrong_digest_alters_the_file_and_not_the_listing() {
    let quay = Quay::new().await;
    let token = quay.blob_reader().await;
    let world = &quay.sandbox.world;
    world.azure.add_model("Small", "1", &[], &[("x", Bytes::from_static(b"short"))], &world.clock);
    let folder = world.azure.models().version("Small", "1").unwrap().folder.clone();
    world.faults.arm("blob", Fault::WrongDigest);
    let list = quay.blob_url("?restype=container&comp=list");
    assert_eq!(quay.send(Method::GET, &list, &token, None).await.0, 200);
    let url = quay.blob_url(&format!("/{folder}/x"));
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.1, json!("rhort"));
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.1, json!("short"));
}

#[tokio::test]
async fn a_service_whose_clock_is_off_takes_good_tokens_for_old_ones() {
    let quay = Quay::new().await;
    let url = quay.arm_url(&workspace());
    let token = quay.administrator("management");
    quay.sandbox.world.faults.arm("resource_manager", Fault::Skew { seconds: 7200 });
    let reply = quay.client.get(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(reply.status(), 401);
    let date = reply.headers()["date"].to_str().unwrap().to_owned();
    let early = quay.client.get(quay.arm_url("/subscriptions")).send().await.unwrap();
    assert_eq!(early.headers()["date"].to_str().unwrap().len(), date.len());
    let (status, _) = quay.graph(Method::GET, "groups", None).await;
    assert_eq!(status, 200, "only one service's clock is off");
    quay.sandbox.world.faults.clear(Some("resource_manager"));
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.0, 200);
}

#[tokio::test]
async fn role_assignments_count_later_and_so_do_their_ends() {
    let quay = Quay::new().await;
    let world = &quay.sandbox.world;
    let minute = std::time::Duration::from_secs(61);
    world.faults.arm("resource_manager", Fault::Propagation { seconds: 60 });
    let token = quay.blob_reader().await;
    let url = quay.blob_url("?restype=container&comp=list");
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.0, 403, "granted, and not known yet");
    world.clock.advance(minute);
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.0, 200);
    let (_, listed) = quay
        .arm(Method::GET, &format!("{}/providers/Microsoft.Authorization/roleAssignments", container()), None)
        .await;
    let assignment = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["properties"]["principalId"] == seed::CELLAR_CI.object_id);
    let id = assignment.unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(quay.arm(Method::DELETE, &id, None).await.0, 200);
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.0, 200, "revoked, and not known yet");
    world.clock.advance(minute);
    assert_eq!(quay.send(Method::GET, &url, &token, None).await.0, 403);
}

#[tokio::test]
async fn entra_learns_of_a_federated_credential_later() {
    let quay = Quay::new().await;
    let world = &quay.sandbox.world;
    world.faults.arm("graph", Fault::Propagation { seconds: 60 });
    let machine = &seed::STRANGER;
    let credential = json!({
        "name": "late", "subject": "system:serviceaccount:ci:oncology-ci",
        "issuer": format!("https://{}", quay.sandbox.addresses().cluster),
        "audiences": ["api://AzureADTokenExchange"],
    });
    let path = format!("applications/{}/federatedIdentityCredentials", machine.application_object_id);
    assert_eq!(quay.graph(Method::POST, &path, Some(credential)).await.0, 201);
    let assertion = std::fs::read_to_string(quay.sandbox.folder().join("oncology-ci.token")).unwrap();
    let fields = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
        ("scope", "https://storage.azure.com/.default"),
    ];
    let (status, body) = quay.ask(machine.client_id, &fields).await;
    assert!(status.is_client_error(), "{body}");
    assert!(body["error_description"].as_str().unwrap().starts_with("AADSTS70"), "{body}");
    world.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(quay.ask(machine.client_id, &fields).await.0, 200);
}
