//! Pushing: both forms of upload, accidents on the way, memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use oci::progress::Silent;
use oci::registry::{Mounted, Open, Pushed, Size, Upload};
use oci::{ByteStream, Digest, Registry, RegistryError};

use crate::fake::{Fake, Fault, Told};

/// Bytes, and how often they were opened.
struct Source {
    bytes: Bytes,
    opened: AtomicU64,
}

impl Open for Source {
    fn open(&self) -> ByteStream<'_> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let chunks: Vec<_> = self.bytes.chunks(50_000).map(|it| Ok(Bytes::copy_from_slice(it))).collect();
        stream::iter(chunks).boxed()
    }
}

fn source() -> Source {
    let bytes: Vec<u8> = (0..500_000_u32).flat_map(u32::to_be_bytes).collect();
    Source { bytes: bytes.into(), opened: AtomicU64::new(0) }
}

async fn upload(
    client: &Registry,
    source: &Source,
    digest: Option<Digest>,
    told: &Told,
) -> Result<Pushed, RegistryError> {
    let size = source.bytes.len() as u64;
    sized_upload(client, source, (Size::Exactly(size), digest), told).await
}

async fn sized_upload(
    client: &Registry,
    source: &Source,
    (size, digest): (Size, Option<Digest>),
    told: &Told,
) -> Result<Pushed, RegistryError> {
    let upload = Upload {
        repository: "x",
        what: "weights",
        size,
        digest,
        bytes: source,
        session: None,
        progress: told,
    };
    client.upload(upload).await
}

#[tokio::test]
async fn a_blob_whose_digest_is_not_known_is_hashed_on_its_way() {
    let (fake, source, told) = (Fake::start().await, source(), Told::default());
    let pushed = upload(&fake.client(), &source, None, &told).await.unwrap();
    assert_eq!(pushed.digest, Digest::of(&source.bytes));
    assert!(fake.has(&pushed.digest));
    assert_eq!((fake.count("PATCH upload 202"), fake.count("PUT upload 201")), (1, 1));
    assert_eq!(source.opened.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_blob_whose_digest_is_known_goes_in_one_put() {
    let (fake, source, told) = (Fake::start().await, source(), Told::default());
    let digest = Digest::of(&source.bytes);
    upload(&fake.client(), &source, Some(digest.clone()), &told).await.unwrap();
    assert!(fake.has(&digest));
    assert_eq!((fake.count("PATCH"), fake.count("PUT upload 201")), (0, 1));
}

#[tokio::test]
async fn a_registry_that_refuses_patch_gets_one_put() {
    let (fake, source, told) = (Fake::start().await, source(), Told::default());
    fake.world.lock().unwrap().refuses_patch = true;
    let pushed = upload(&fake.client(), &source, None, &told).await.unwrap();
    assert!(fake.has(&pushed.digest));
    assert_eq!((fake.count("PATCH upload 400"), fake.count("PUT upload 201")), (1, 1));
    assert_eq!(*told.0.lock().unwrap(), ["retry weights"]);
}

#[tokio::test]
async fn a_blob_whose_size_is_not_known_goes_in_chunks_or_after_a_first_reading() {
    for refuses_patch in [false, true] {
        let (fake, source, told) = (Fake::start().await, source(), Told::default());
        fake.world.lock().unwrap().refuses_patch = refuses_patch;
        let pushed = sized_upload(&fake.client(), &source, (Size::About(7), None), &told).await.unwrap();
        assert_eq!((pushed.size, pushed.digest), (2_000_000, Digest::of(&source.bytes)));
        let patched = if refuses_patch { "PATCH upload 400" } else { "PATCH upload 202" };
        assert_eq!((fake.count(patched), fake.count("PUT upload 201")), (1, 1));
    }
}

#[tokio::test]
async fn a_cut_costs_the_blob_in_flight() {
    let (fake, source, told) = (Fake::start().await, source(), Told::default());
    fake.fault("PATCH upload", Fault::CutUpload(700_000));
    fake.fault("PATCH upload", Fault::CutUpload(1));
    let pushed = upload(&fake.client(), &source, None, &told).await.unwrap();
    assert_eq!(pushed.digest, Digest::of(&source.bytes));
    assert_eq!(*told.0.lock().unwrap(), ["retry weights", "retry weights"]);
    assert_eq!(source.opened.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_busy_registry_in_the_middle_is_waited_for() {
    let (fake, source, told) = (Fake::start().await, source(), Told::default());
    fake.fault("POST upload", Fault::Busy(0));
    fake.fault("PATCH upload", Fault::Busy(0));
    fake.fault("PUT upload", Fault::Busy(0));
    let pushed = upload(&fake.client(), &source, None, &told).await.unwrap();
    assert!(fake.has(&pushed.digest));
}

#[tokio::test]
async fn a_registry_that_names_another_digest_is_not_believed() {
    let (fake, source, told) = (Fake::start().await, source(), Told::default());
    fake.fault("PUT upload", Fault::OtherDigest);
    let error = upload(&fake.client(), &source, None, &told).await.unwrap_err();
    assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_that_forgets_is_found_out() {
    let (fake, source, told) = (Fake::start().await, source(), Told::default());
    fake.fault("PUT upload", Fault::Forget);
    let error = upload(&fake.client(), &source, None, &told).await.unwrap_err();
    assert!(error.to_string().ends_with("it took the blob and does not have it"), "{error}");
}

#[tokio::test]
async fn a_source_of_another_size_is_the_sources_fault() {
    let (fake, source, told) = (Fake::start().await, source(), Told::default());
    let upload = |size| Upload {
        repository: "x",
        what: "weights",
        size: Size::Exactly(size),
        digest: None,
        bytes: &source,
        session: None,
        progress: &told,
    };
    for size in [1_999_999, 2_000_001] {
        let error = fake.client().upload(upload(size)).await.unwrap_err();
        assert!(matches!(&error, RegistryError::Size { expected, .. } if *expected == size), "{error}");
    }
}

struct Broken;

impl Open for Broken {
    fn open(&self) -> ByteStream<'_> {
        stream::iter([Ok(Bytes::from_static(b"begins")), Err("the disk is gone".into())]).boxed()
    }
}

#[tokio::test]
async fn a_source_that_fails_is_named() {
    let fake = Fake::start().await;
    let upload = Upload {
        repository: "x",
        what: "weights",
        size: Size::Exactly(100),
        digest: None,
        bytes: &Broken,
        session: None,
        progress: &Silent,
    };
    let error = fake.client().upload(upload).await.unwrap_err();
    assert_eq!(error.to_string(), "the bytes of weights could not be read");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the disk is gone");
}

#[tokio::test]
async fn a_mount_that_is_only_a_hint_begins_an_upload() {
    let fake = Fake::start().await;
    let digest = fake.put_blob(b"lent");
    let client = fake.client();
    assert_eq!(client.mount("x", &digest, "y").await.unwrap(), Mounted::Yes);
    fake.world.lock().unwrap().mounts = false;
    assert!(matches!(client.mount("x", &digest, "y").await.unwrap(), Mounted::No { .. }));
}

/// Makes 256 MiB and looks how far ahead of the registry it is.
struct Endless {
    made: Arc<AtomicU64>,
    received: Arc<AtomicU64>,
    ahead: Mutex<u64>,
}

const CHUNK: usize = 1 << 20;
const CHUNKS: u64 = 256;

impl Open for Endless {
    fn open(&self) -> ByteStream<'_> {
        let chunk = Bytes::from(vec![7; CHUNK]);
        stream::iter(0..CHUNKS)
            .map(move |_| {
                let made = self.made.fetch_add(CHUNK as u64, Ordering::SeqCst) + CHUNK as u64;
                let ahead = made - self.received.load(Ordering::SeqCst);
                let mut most = self.ahead.lock().unwrap();
                *most = (*most).max(ahead);
                Ok(chunk.clone())
            })
            .boxed()
    }
}

#[tokio::test]
async fn a_large_blob_flows_through_little_memory() {
    let fake = Fake::start().await;
    let source = Endless { made: Arc::default(), received: fake.received.clone(), ahead: Mutex::default() };
    let size = CHUNKS * CHUNK as u64;
    let upload = Upload {
        repository: "x",
        what: "weights",
        size: Size::Exactly(size),
        digest: None,
        bytes: &source,
        session: None,
        progress: &Silent,
    };
    assert_eq!(fake.client().upload(upload).await.unwrap().size, size);
    // Our own windows hold 2 MiB at most; the rest is the kernel's, whose socket buffers grow to some more.
    let ahead = *source.ahead.lock().unwrap();
    assert!(ahead < 24 << 20, "{ahead} bytes were read before the registry took them");
}
