//! Registries that send downloads elsewhere: the bytes come from there, the log-in does not go there.

use std::sync::{Arc, Mutex};

use oci::{Digest, RegistryError};

use crate::fake::{Fake, Fault, Tokens};

const TOKEN: &str = "Bearer mine";

fn login(exchanges: bool) -> Arc<Tokens> {
    Arc::new(Tokens { all: vec!["mine"], refused: Mutex::default(), exchanges })
}

fn blob() -> Vec<u8> {
    (0..50_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// A registry that takes one token and has a blob elsewhere, and that place.
async fn apart() -> (Fake, Fake, Digest) {
    let (registry, storage) = (Fake::start().await, Fake::start().await);
    {
        let mut world = registry.world.lock().unwrap();
        world.token = Some("mine".to_owned());
        world.storage = Some(storage.address.clone());
    }
    registry.put_blob(&blob());
    let digest = storage.put_blob(&blob());
    (registry, storage, digest)
}

async fn pulled(registry: &Fake, digest: &Digest, exchanges: bool) -> Result<Vec<u8>, RegistryError> {
    let client = registry.client_as(login(exchanges));
    client.small_blob("x", digest, blob().len() as u64).await.map(|bytes| bytes.to_vec())
}

/// No request to this place carried a log-in.
#[track_caller]
fn saw_no_login(place: &Fake) {
    let logins = &place.world.lock().unwrap().logins;
    assert!(!logins.is_empty() && logins.iter().all(Option::is_none), "{logins:?}");
}

#[tokio::test]
async fn a_log_in_does_not_follow_to_another_host() {
    let (registry, storage, digest) = apart().await;
    // As storage behind signed URLs does, it refuses whoever brings two log-ins.
    storage.world.lock().unwrap().signed_only = true;
    assert!(pulled(&registry, &digest, false).await.unwrap() == blob());
    saw_no_login(&storage);
    assert!(registry.world.lock().unwrap().logins.iter().all(|login| login.as_deref() == Some(TOKEN)));
}

#[tokio::test]
async fn what_was_cut_at_the_storage_is_asked_for_at_the_registry() {
    let (registry, storage, digest) = apart().await;
    storage.fault("GET blob", Fault::CutAnswer(100_000));
    assert!(pulled(&registry, &digest, false).await.unwrap() == blob());
    // A signature may have run out meanwhile: the registry gives another one.
    assert_eq!((registry.count("GET blob 307"), storage.count("GET blob 206")), (2, 1));
    saw_no_login(&storage);
}

#[tokio::test]
async fn storage_on_the_registrys_own_host_gets_the_log_in() {
    let (registry, _, digest) = apart().await;
    let address = registry.address.clone();
    registry.world.lock().unwrap().storage = Some(address);
    assert!(pulled(&registry, &digest, false).await.unwrap() == blob());
    assert_eq!((registry.count("GET blob 307"), registry.count("GET blob 200")), (1, 1));
}

#[tokio::test]
async fn storage_that_wants_a_log_in_of_its_own_is_not_given_ours() {
    for exchanges in [false, true] {
        let (registry, storage, digest) = apart().await;
        let thief = Fake::start().await;
        {
            let mut world = storage.world.lock().unwrap();
            world.token = Some("theirs".to_owned());
            world.realm = Some(format!("http://{}/token", thief.address));
        }
        let error = pulled(&registry, &digest, exchanges).await.unwrap_err();
        assert_eq!(error.answer().map(|answer| answer.status), Some(401), "{error}");
        saw_no_login(&storage);
        assert_eq!(thief.world.lock().unwrap().logins.len(), 0, "its token service was asked");
    }
}

#[tokio::test]
async fn wrong_bytes_of_the_storage_are_noticed() {
    let (registry, storage, digest) = apart().await;
    storage.fault("GET blob", Fault::Corrupt);
    let error = pulled(&registry, &digest, false).await.unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
}

#[tokio::test]
async fn a_signature_is_in_no_error() {
    let (registry, storage, digest) = apart().await;
    (0..20).for_each(|_| storage.fault("GET blob", Fault::CutAnswer(0)));
    let error = pulled(&registry, &digest, false).await.unwrap_err();
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        said.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(!said.contains("secret"), "{said}");
}
