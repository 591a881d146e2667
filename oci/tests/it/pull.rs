//! Pulling: verified to the last byte, resumed after a cut.

use futures_util::TryStreamExt;
use oci::RegistryError;

use crate::fake::{Fake, Fault};

fn blob() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
}

async fn pull(fake: &Fake, bytes: &[u8]) -> Result<Vec<u8>, RegistryError> {
    let digest = fake.put_blob(bytes);
    let stream = fake.client().blob("x", &digest, bytes.len() as u64);
    stream
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
}

#[tokio::test]
async fn a_cut_blob_is_read_on_from_where_it_was_cut() {
    let fake = Fake::start().await;
    fake.fault("GET blob", Fault::CutAnswer(100_000));
    fake.fault("GET blob", Fault::CutAnswer(1_000));
    assert_eq!(pull(&fake, &blob()).await.unwrap(), blob());
    assert_eq!(fake.count("GET blob 200"), 1);
    assert_eq!(fake.count("GET blob 206"), 2);
}

#[tokio::test]
async fn a_registry_without_ranges_begins_again() {
    let fake = Fake::start().await;
    fake.world.lock().unwrap().ranges = false;
    fake.fault("GET blob", Fault::CutAnswer(100_000));
    assert_eq!(pull(&fake, &blob()).await.unwrap(), blob());
    assert_eq!(fake.count("GET blob 200"), 2);
}

#[tokio::test]
async fn cuts_without_progress_come_to_an_end() {
    let fake = Fake::start().await;
    for _ in 0..20 {
        fake.fault("GET blob", Fault::CutAnswer(10));
    }
    let error = pull(&fake, &blob()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(fake.count("GET blob"), 4);
}

#[tokio::test]
async fn a_wrong_byte_is_noticed() {
    let fake = Fake::start().await;
    fake.fault("GET blob", Fault::Corrupt);
    let error = pull(&fake, &blob()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
}

#[tokio::test]
async fn a_short_blob_is_completed() {
    let fake = Fake::start().await;
    fake.fault("GET blob", Fault::Short);
    assert_eq!(pull(&fake, &blob()).await.unwrap(), blob());
}

#[tokio::test]
async fn a_blob_that_is_too_long_is_refused() {
    let fake = Fake::start().await;
    let digest = fake.put_blob(b"four");
    let error = fake.client().small_blob("x", &digest, 3).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the blob {digest} from {} has the wrong size: expected 3 bytes, found 4", fake.address)
    );
}

#[tokio::test]
async fn a_blob_that_is_said_to_be_vast_is_not_read_into_memory() {
    let fake = Fake::start().await;
    let digest = fake.put_blob(b"four");
    let error = fake.client().small_blob("x", &digest, 1 << 40).await.unwrap_err();
    assert!(error.to_string().ends_with("it is said to have 1099511627776 bytes, expected at most 8388608"));
    assert_eq!(fake.count("GET blob"), 0);
}

#[tokio::test]
async fn a_manifest_must_have_the_digest_it_is_asked_for_by() {
    let fake = Fake::start().await;
    let digest = fake.put_manifest("x:1", "application/vnd.oci.image.manifest.v1+json", b"{}");
    let client = fake.client();
    assert_eq!(client.manifest("x", "1").await.unwrap().unwrap().digest, digest);
    fake.fault("GET manifest", Fault::OtherDigest);
    assert!(matches!(client.manifest("x", "1").await, Err(RegistryError::Digest { .. })));
    fake.fault("GET manifest", Fault::Corrupt);
    assert!(matches!(client.manifest("x", digest.as_str()).await, Err(RegistryError::Digest { .. })));
    assert_eq!(client.manifest("x", "2").await.unwrap(), None);
    assert_eq!(client.manifest("unknown", "1").await.unwrap(), None);
}

#[tokio::test]
async fn a_busy_registry_is_waited_for_but_not_for_ever() {
    let fake = Fake::start().await;
    fake.put_manifest("x:1", "application/vnd.oci.image.manifest.v1+json", b"{}");
    fake.fault("GET manifest", Fault::Busy(0));
    fake.fault("GET manifest", Fault::Busy(0));
    assert!(fake.client().manifest("x", "1").await.unwrap().is_some());
    fake.fault("GET manifest", Fault::Busy(3600));
    let error = fake.client().manifest("x", "1").await.unwrap_err();
    let asked = error.answer().unwrap().retry_after.unwrap();
    assert_eq!((asked.as_secs(), error.is_transient()), (3600, true));
}

#[tokio::test]
async fn nobody_there_is_transient_and_names_the_host() {
    let fake = Fake::start().await;
    // Bound, so that nobody else gets the port, and never listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let free = socket.local_addr().unwrap().to_string();
    let gone = Fake { address: free.clone(), ..fake };
    let error = gone.client().manifest("x", "1").await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains(&free), "{error}");
}

#[tokio::test]
async fn a_manifest_that_is_cut_is_asked_for_again() {
    let fake = Fake::start().await;
    fake.put_manifest("x:1", "application/vnd.oci.image.manifest.v1+json", b"{\"some\": \"bytes\"}");
    fake.fault("GET manifest", Fault::CutAnswer(3));
    assert!(fake.client().manifest("x", "1").await.unwrap().is_some());
    assert_eq!(fake.count("GET manifest"), 2);
}
