//! Faults: throttled, cut, expired, each exactly once, armed in the process or over the control door.

use bytes::Bytes;
use reqwest::Method;
use serde_json::json;

use crate::quay::sandbox::seed;
use crate::quay::sandbox::world::Fault;
use crate::quay::{Quay, reply, workspace};

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
