//! A registry that lies, cuts, drips and forgets, at either end: every transfer ends with the right image or with an error,
//! never with a wrong image, whatever the fault and whichever request it strikes.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use oci::copy::{self, Destination, Options, Origin};
use oci::image::{self, Base, Image, Run};
use oci::layer::{BytesContent, Entry, Layer, Mode};
use oci::progress::Silent;
use oci::registry::{Open, Size, Upload};
use oci::{ByteStream, Digest, Registry};
use serde_json::{Value, json};

use crate::fake::{Fake, Fault, Told};

const KIB: usize = 1 << 10;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// How long a line may stand still here.
const STALL: Duration = Duration::from_millis(700);
/// The same where it is no harm if a good line is taken for a bad one.
const BRIEF: Duration = Duration::from_millis(150);

/// Every fault, in a few sizes.
const FAULTS: [Fault; 24] = [
    Fault::Busy(0),
    Fault::Busy(3600),
    Fault::CutAnswer(0),
    Fault::CutAnswer(64 * KIB),
    Fault::CutUpload(1),
    Fault::CutUpload(64 * KIB),
    Fault::Short,
    Fault::Long,
    Fault::Corrupt,
    Fault::CorruptUpload,
    Fault::Drip(0),
    Fault::Drip(64 * KIB),
    Fault::Mute,
    Fault::LostAnswer,
    Fault::OtherDigest,
    Fault::LoggedOut,
    Fault::LoggedOutAfter(1),
    Fault::LoggedOutAfter(64 * KIB),
    Fault::LostSession,
    Fault::Claim(0),
    Fault::Claim(SIZE as u64),
    Fault::Claim(7),
    Fault::Deny,
    Fault::Forget,
];

/// Everything that is asked of the registry that bytes come from, and of the one that they go to.
const THEIRS: [&str; 4] = ["GET manifest", "GET blob", "GET referrers", "GET tags"];
const OURS: [&str; 8] = [
    "HEAD blob",
    "POST upload",
    "PATCH upload",
    "PUT upload",
    "PUT manifest",
    "GET manifest",
    "GET tags",
    "GET referrers",
];

/// Whether a fault can strike such a request.
fn strikes(fault: Fault, request: &str) -> bool {
    match fault {
        Fault::CutUpload(_) | Fault::CorruptUpload | Fault::LoggedOutAfter(_) => {
            matches!(request, "PATCH upload" | "PUT upload")
        }
        Fault::LostSession => request.ends_with("upload"),
        Fault::Claim(_) => request.starts_with("HEAD"),
        Fault::Forget => request.starts_with("PUT"),
        _ => true,
    }
}

/// Every request of these with every fault that can strike it.
fn struck(requests: &'static [&'static str]) -> impl Iterator<Item = (&'static str, Fault)> {
    let all = requests.iter().flat_map(|request| FAULTS.map(|fault| (*request, fault)));
    all.filter(|(request, fault)| strikes(*fault, request))
}

const SIZE: usize = 200 * KIB;

fn layer() -> Vec<u8> {
    (0..SIZE).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    let media_type = format!("application/vnd.oci.image.{kind}");
    json!({ "mediaType": media_type, "size": bytes.len(), "digest": Digest::of(bytes).as_str() })
}

/// Puts an image of a layer of some size, and gives its manifest.
fn put_image(fake: &Fake, name: &str) -> Vec<u8> {
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": { "diff_ids": [] } }).to_string();
    fake.put_blob(config.as_bytes());
    fake.put_blob(&layer());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("config.v1+json", config.as_bytes()),
        "layers": [descriptor("layer.v1.tar+gzip", &layer())],
    });
    let bytes = manifest.to_string().into_bytes();
    fake.put_manifest(name, MANIFEST, &bytes);
    bytes
}

/// The manifest under a name, if everything that it names is there and is what it should be.
fn whole(fake: &Fake, name: &str) -> Option<Digest> {
    let world = fake.world.lock().unwrap();
    let (_, bytes) = world.manifests.get(name)?;
    let manifest: Value = serde_json::from_slice(bytes).unwrap();
    let blobs = manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]);
    for blob in blobs {
        let digest = blob["digest"].as_str().unwrap();
        assert!(world.blobs.contains_key(digest), "{name} lacks {digest}");
        assert_eq!(Digest::of(&world.blobs[digest]).as_str(), digest);
    }
    Some(Digest::of(bytes))
}

/// Whether the outcome is the right image, or an error that says something.
#[track_caller]
fn judge<E: std::fmt::Display>(
    outcome: Result<Digest, E>,
    found: Option<Digest>,
    right: &Digest,
    story: &str,
) {
    match outcome {
        Ok(digest) => assert_eq!((Some(&digest), &digest), (found.as_ref(), right), "{story}"),
        Err(error) => {
            assert!(error.to_string().len() > 20, "{story}: {error}");
            // It may have been stored although nobody said so; then it is the right one.
            assert!(found.is_none_or(|found| found == *right), "{story}: {error}");
        }
    }
}

async fn copied(from: &Registry, to: &Registry) -> Result<Digest, copy::CopyError> {
    let origin = Origin { registry: from, repository: "o/app", version: "1" };
    let destination = Destination { registry: to, repository: "d/app", tag: "1" };
    Ok(copy::image(origin, destination, &Options::default(), &Silent).await?.digest)
}

/// Copies with a fault that strikes so often, once at the origin or else at the destination.
async fn copy_with(http: &reqwest::Client, request: &str, fault: Fault, times: usize, theirs: bool) {
    let (from, to) = (Fake::start().await, Fake::start().await);
    for fake in [&from, &to] {
        fake.world.lock().unwrap().lists_referrers = true;
    }
    let right = Digest::of(&put_image(&from, "o/app:1"));
    let struck = if theirs { &from } else { &to };
    for _ in 0..times {
        struck.fault(request, fault);
    }
    let (origin, destination) = (from.client_over(http, BRIEF), to.client_over(http, BRIEF));
    let outcome = copied(&origin, &destination).await;
    let story = format!("copy, {request}, {times} times {fault:?}, theirs: {theirs}");
    judge(outcome, whole(&to, "d/app:1"), &right, &story);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_strikes_a_copy() {
    let http = reqwest::Client::new();
    let theirs = struck(&THEIRS).map(|(request, fault)| (request, fault, true));
    let all = theirs.chain(struck(&OURS).map(|(request, fault)| (request, fault, false)));
    let all = all.flat_map(|(request, fault, theirs)| {
        [1, 20].map(|times| copy_with(&http, request, fault, times, theirs))
    });
    Box::pin(stream::iter(all).for_each_concurrent(40, |one| one)).await;
}

/// An image of one layer that takes a stream, and a small one.
fn packed() -> Image<'static> {
    static NOISE: LazyLock<Bytes> = LazyLock::new(|| {
        let digests = (0..16_000_u32).map(|at| Digest::of(&at.to_be_bytes()).to_string().into_bytes());
        digests.flatten().collect::<Vec<_>>().into()
    });
    let entry = |path: &str, bytes: Bytes| Entry {
        path: path.to_owned(),
        size: bytes.len() as u64,
        mode: Mode::Data,
        fingerprint: Digest::of(&bytes).to_string(),
        content: Box::new(BytesContent(bytes)),
    };
    let large = Layer::new("/models", vec![entry("weights.bin", NOISE.clone())]).unwrap();
    let small = Layer::new("/models", vec![entry("a.txt", Bytes::from_static(b"a"))]).unwrap();
    Image {
        repository: "d/model",
        tag: "1",
        base: Base::Scratch(Run::default()),
        layers: vec![large, small],
        list: Some("/files.jsonl"),
        env: std::collections::BTreeMap::new(),
        labels: std::collections::BTreeMap::new(),
        annotations: std::collections::BTreeMap::new(),
    }
}

async fn pack_with(http: &reqwest::Client, request: &str, fault: Fault, times: usize, right: &Digest) {
    let fake = Fake::start().await;
    for _ in 0..times {
        fake.fault(request, fault);
    }
    let outcome = image::push(&fake.client_over(http, BRIEF), &packed(), &Silent, None).await;
    let story = format!("pack, {request}, {times} times {fault:?}");
    judge(outcome.map(|pushed| pushed.digest), whole(&fake, "d/model:1"), right, &story);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_strikes_a_push() {
    let (calm, http) = (Fake::start().await, reqwest::Client::new());
    let right = image::push(&calm.client(), &packed(), &Silent, None).await.unwrap().digest;
    let all = struck(&OURS)
        .flat_map(|(request, fault)| [1, 20].map(|times| pack_with(&http, request, fault, times, &right)));
    Box::pin(stream::iter(all).for_each_concurrent(20, |one| one)).await;
}

/// 64 KiB and a boundary on either side of each.
fn boundaries() -> impl Iterator<Item = usize> {
    (0..=SIZE / (64 * KIB))
        .flat_map(|at| [(at * 64 * KIB).saturating_sub(1), at * 64 * KIB, at * 64 * KIB + 1])
}

#[tokio::test]
async fn a_reset_at_any_64_kib_costs_a_pull_what_is_missing() {
    let pulls = boundaries().map(|at| async move {
        let fake = Fake::start().await;
        let digest = fake.put_blob(&layer());
        fake.fault("GET blob", Fault::CutAnswer(at));
        let bytes = fake.client().small_blob("x", &digest, SIZE as u64).await.unwrap();
        assert!(bytes == layer(), "cut at {at}");
        assert_eq!(fake.count("GET blob"), 2, "cut at {at}");
    });
    join_all(pulls).await;
    // One reset after the other, each after 64 KiB: whoever gets on is not given up.
    let fake = Fake::start().await;
    let long: Vec<u8> = (0..20).flat_map(|_| layer()).collect();
    let digest = fake.put_blob(&long);
    for _ in 0..long.len() / (64 * KIB) {
        fake.fault("GET blob", Fault::CutAnswer(64 * KIB));
    }
    assert!(fake.client().small_blob("x", &digest, long.len() as u64).await.unwrap() == long);
}

struct Sent(Vec<u8>);

impl Open for Sent {
    fn open(&self) -> ByteStream<'_> {
        let pieces: Vec<_> = self.0.chunks(10_000).map(|piece| Ok(piece.to_vec().into())).collect();
        stream::iter(pieces).boxed()
    }
}

fn upload<'a>(bytes: &'a Sent, digest: Option<Digest>, told: &'a Told) -> Upload<'a> {
    let size = Size::Exactly(bytes.0.len() as u64);
    Upload { repository: "x", what: "weights", size, digest, bytes, session: None, progress: told }
}

#[tokio::test]
async fn a_reset_at_any_64_kib_costs_an_upload_its_blob() {
    let uploads = boundaries().flat_map(|at| ["PATCH upload", "PUT upload"].map(|request| (at, request)));
    let uploads = uploads.map(|(at, request)| async move {
        let (fake, sent, told) = (Fake::start().await, Sent(layer()), Told::default());
        fake.fault(request, Fault::CutUpload(at));
        let digest = (request == "PUT upload").then(|| Digest::of(&layer()));
        let pushed = fake.client().upload(upload(&sent, digest, &told)).await.unwrap();
        assert_eq!(pushed.digest, Digest::of(&layer()));
        assert_eq!(fake.world.lock().unwrap().blobs[pushed.digest.as_str()], layer());
        assert_eq!(*told.0.lock().unwrap(), ["retry weights"], "{request} cut at {at}");
    });
    join_all(uploads).await;
}

#[tokio::test]
async fn a_log_in_that_runs_out_after_some_bytes_costs_the_blob_and_no_more() {
    for at in [1, 64 * KIB, SIZE] {
        let (fake, sent, told) = (Fake::start().await, Sent(layer()), Told::default());
        fake.fault("PATCH upload", Fault::LoggedOutAfter(at));
        let pushed = fake.client().upload(upload(&sent, None, &told)).await.unwrap();
        assert!(fake.has(&pushed.digest));
        assert_eq!((fake.count("POST upload"), fake.count("PUT upload")), (2, 1));
    }
}

#[tokio::test]
async fn an_upload_that_the_registry_lost_is_begun_anew() {
    for (request, digest) in
        [("PATCH upload", None), ("PUT upload", None), ("PUT upload", Some(Digest::of(&layer())))]
    {
        let (fake, sent, told) = (Fake::start().await, Sent(layer()), Told::default());
        fake.fault(request, Fault::LostSession);
        let pushed = fake.client().upload(upload(&sent, digest.clone(), &told)).await.unwrap();
        assert!(fake.has(&pushed.digest));
        assert_eq!(*told.0.lock().unwrap(), ["retry weights"], "{request} {digest:?}");
        // Not in the other form: that would read everything once more.
        assert_eq!(fake.count("PATCH upload"), if digest.is_some() { 0 } else { fake.count("POST upload") });
    }
}

#[tokio::test]
async fn a_blob_that_was_stored_without_an_answer_is_not_sent_again() {
    let (fake, sent, told) = (Fake::start().await, Sent(layer()), Told::default());
    fake.fault("PUT upload", Fault::LostAnswer);
    let pushed = fake.client().upload(upload(&sent, None, &told)).await.unwrap();
    assert!(fake.has(&pushed.digest));
    assert_eq!(fake.count("PATCH upload"), 1);
}

#[tokio::test]
async fn a_storm_of_429_is_waited_out_or_named() {
    for (times, holds) in [(2, true), (40, false)] {
        let (from, to) = (Fake::start().await, Fake::start().await);
        let right = Digest::of(&put_image(&from, "o/app:1"));
        for (fake, requests) in [(&from, &THEIRS[..]), (&to, &OURS[..])] {
            for request in requests {
                (0..times).for_each(|_| fake.fault(request, Fault::Busy(0)));
            }
        }
        let outcome = copied(&from.client(), &to.client()).await;
        if holds {
            assert_eq!((outcome.unwrap(), whole(&to, "d/app:1")), (right.clone(), Some(right)));
        } else {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("429 Too Many Requests"), "{error}");
            assert_eq!(whole(&to, "d/app:1"), None);
        }
    }
}

#[tokio::test]
async fn a_head_that_lies_is_found_out() {
    // The blob is not there, whatever is said: the manifest is refused, and nothing stands under the name.
    let (from, to) = (Fake::start().await, Fake::start().await);
    put_image(&from, "o/app:1");
    (0..20).for_each(|_| to.fault("HEAD blob", Fault::Claim(SIZE as u64)));
    let error = copied(&from.client(), &to.client()).await.unwrap_err().to_string();
    assert!(error.contains("has the wrong size") || error.contains("MANIFEST_BLOB_UNKNOWN"), "{error}");
    assert_eq!(whole(&to, "d/app:1"), None);
    // It is there, and that is denied: it is sent once more.
    let (from, to) = (Fake::start().await, Fake::start().await);
    let right = Digest::of(&put_image(&from, "o/app:1"));
    to.put_blob(&layer());
    (0..20).for_each(|_| to.fault("HEAD blob", Fault::Deny));
    assert_eq!(copied(&from.client(), &to.client()).await.unwrap(), right);
    assert_eq!(whole(&to, "d/app:1"), Some(right));
}

#[tokio::test]
async fn a_line_that_drips_is_cut_and_read_on() {
    let fake = Fake::start().await;
    let digest = fake.put_blob(&layer());
    fake.fault("GET blob", Fault::Drip(100 * KIB));
    fake.fault("GET blob", Fault::Mute);
    let bytes = fake.client_that_waits(STALL).small_blob("x", &digest, SIZE as u64).await.unwrap();
    assert!(bytes == layer());
    assert_eq!(fake.count("GET blob 206"), 1);
}

#[tokio::test]
async fn a_line_that_only_drips_is_given_up_with_a_word() {
    let fake = Fake::start().await;
    let digest = fake.put_blob(&layer());
    (0..20).for_each(|_| fake.fault("GET blob", Fault::Drip(0)));
    let error = fake.client_that_waits(STALL).small_blob("x", &digest, SIZE as u64).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "less than 64 KiB went over the line in 700ms");
    assert!(error.is_transient() && error.to_string().contains(&fake.address), "{error}");
}

/// Bytes that come one by one: together they take longer than a line may stand still.
struct Slow;

const SLOW: usize = 12;

impl Open for Slow {
    fn open(&self) -> ByteStream<'_> {
        let pieces = stream::iter(0..SLOW).then(|_| async {
            tokio::time::sleep(STALL / 4).await;
            Ok(vec![7; 64 * KIB].into())
        });
        pieces.boxed()
    }
}

#[tokio::test]
async fn an_upload_that_takes_long_and_flows_is_not_cut() {
    let (fake, told) = (Fake::start().await, Told::default());
    let size = Size::Exactly((SLOW * 64 * KIB) as u64);
    let upload = Upload {
        repository: "x",
        what: "weights",
        size,
        digest: None,
        bytes: &Slow,
        session: None,
        progress: &told,
    };
    fake.client_that_waits(STALL).upload(upload).await.unwrap();
    assert_eq!(*told.0.lock().unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_registry_that_stops_taking_is_given_up_with_a_word() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let deaf = Fake { address, ..Fake::start().await };
    // Connections are made by the kernel, and nobody ever reads from them.
    let (sent, told) = (Sent(vec![7; 32 << 20]), Told::default());
    let session = Some(format!("http://{}/v2/x/blobs/uploads/1", deaf.address).parse().unwrap());
    let upload = Upload { session, ..upload(&sent, None, &told) };
    let error = deaf.client_that_waits(STALL).upload(upload).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.ends_with("in 700ms"), "{error}: {cause}");
    drop(listener);
}
