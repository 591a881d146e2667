//! Logging in: directly, by way of a token service, again in the middle of a transfer.

use std::sync::{Arc, Mutex};

use oci::RegistryError;
use oci::layer::{Packed, Packing};
use oci::progress::Silent;
use oci::registry::{Size, Upload};

use crate::fake::{Fake, Fault, Tokens};

fn tokens(all: Vec<&'static str>, exchanges: bool) -> Arc<Tokens> {
    Arc::new(Tokens { all, refused: Mutex::default(), exchanges })
}

async fn closed(token: &str) -> Fake {
    let fake = Fake::start().await;
    fake.put_manifest("x:1", "application/vnd.oci.image.manifest.v1+json", b"{}");
    fake.world.lock().unwrap().token = Some(token.to_owned());
    fake
}

#[tokio::test]
async fn a_token_that_the_registry_takes_is_sent_at_once() {
    let fake = closed("good").await;
    let client = fake.client_as(tokens(vec!["good"], false));
    assert!(client.manifest("x", "1").await.unwrap().is_some());
    assert_eq!((fake.count("GET manifest 401"), fake.count("GET token")), (0, 0));
}

#[tokio::test]
async fn a_token_that_ran_out_is_renewed() {
    let fake = closed("new").await;
    let client = fake.client_as(tokens(vec!["old", "new"], false));
    assert!(client.manifest("x", "1").await.unwrap().is_some());
    assert_eq!((fake.count("GET manifest 401"), fake.count("GET token")), (1, 0));
}

#[tokio::test]
async fn a_token_service_is_asked_once() {
    let fake = closed("exchanged").await;
    fake.world.lock().unwrap().realm_login = Some("mine".to_owned());
    let client = fake.client_as(tokens(vec!["mine"], true));
    for _ in 0..3 {
        assert!(client.manifest("x", "1").await.unwrap().is_some());
    }
    assert_eq!((fake.count("GET manifest 401"), fake.count("GET token 200")), (1, 1));
}

#[tokio::test]
async fn public_images_need_a_token_and_no_login() {
    let fake = closed("anybody").await;
    assert!(fake.client().manifest("x", "1").await.unwrap().is_some());
    assert_eq!(fake.count("GET token 200"), 1);
}

#[tokio::test]
async fn a_login_that_stays_refused_is_an_answer() {
    let fake = closed("good").await;
    let client = fake.client_as(tokens(vec!["bad", "worse"], false));
    let error = client.manifest("x", "1").await.unwrap_err();
    assert_eq!((error.answer().unwrap().status, error.is_transient()), (401, false));
    assert!(!error.to_string().contains("worse"), "{error}");
    assert_eq!(fake.count("GET manifest"), 2);
}

#[tokio::test]
async fn a_token_that_runs_out_in_mid_transfer_is_renewed() {
    let fake = closed("good").await;
    fake.fault("PATCH upload", Fault::LoggedOut);
    fake.fault("PUT upload", Fault::LoggedOut);
    let client = fake.client_as(tokens(vec!["good"], false));
    let entry = oci::layer::Entry {
        path: "weights".to_owned(),
        size: 3 << 20,
        mode: oci::layer::Mode::Data,
        fingerprint: String::new(),
        content: Box::new(oci::layer::BytesContent(vec![1; 3 << 20].into())),
    };
    let layer = oci::layer::Layer::new("/m", vec![entry]).unwrap();
    let upload = Upload {
        repository: "x",
        what: "weights",
        size: Size::Exactly(layer.stored_size()),
        digest: None,
        bytes: &Packed { layer: &layer, packing: Packing::Stored },
        session: None,
        progress: &Silent,
    };
    let pushed = client.upload(upload).await.unwrap();
    assert!(fake.has(&pushed.digest));
    assert_eq!((fake.count("PATCH upload 401"), fake.count("PATCH upload 202")), (1, 1));
}

#[tokio::test]
async fn a_token_service_without_https_is_refused() {
    let fake = closed("good").await;
    fake.world.lock().unwrap().realm = Some("http://tokens.example/token".to_owned());
    let client = fake.client_as(tokens(vec!["mine"], true));
    let error = client.manifest("x", "1").await.unwrap_err();
    assert!(matches!(error, RegistryError::Unexpected { .. }), "{error}");
    assert!(
        error.to_string().contains("the token service `http://tokens.example` is not on https"),
        "{error}"
    );
}
