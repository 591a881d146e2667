//! Whole images: made, pushed, pushed again, copied.

use std::collections::BTreeMap;

use oci::copy::{self, CopyError, Destination, Options, Origin, Platform, Tally};
use oci::image::{Base, Image, ImageError, Journal, PushedImage, Run, push};
use oci::layer::{BytesContent, Entry, KEY_ANNOTATION, Layer, Mode};
use oci::{Digest, RegistryError};
use serde_json::{Value, json};

use crate::fake::{Fake, Fault, Told};

const LARGE: usize = 3 << 20;

fn entry(path: &str, bytes: Vec<u8>) -> Entry<'static> {
    Entry {
        path: path.to_owned(),
        size: bytes.len() as u64,
        mode: Mode::Data,
        fingerprint: Digest::of(&bytes).to_string(),
        content: Box::new(BytesContent(bytes.into())),
    }
}

/// What does not compress, as weights do not.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}

/// An image with one large layer that stays, and one that depends on the tag.
fn image<'a>(tag: &'a str, base: Base<'a>) -> Image<'a> {
    let layer = |path, bytes| Layer::new("/var/models/m", vec![entry(path, bytes)]).unwrap();
    Image {
        repository: "p/r/model",
        tag,
        base,
        layers: vec![layer("weights.bin", noise(LARGE)), layer("version.txt", tag.as_bytes().to_vec())],
        list: None,
        env: BTreeMap::from([("MODEL_DIR".to_owned(), "/var/models/m".to_owned())]),
        labels: BTreeMap::new(),
        annotations: BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())]),
    }
}

fn one() -> Options {
    Options::one(Platform::linux_amd64())
}

fn scratch() -> Base<'static> {
    let entrypoint = vec!["/bin/serve".to_owned()];
    Base::Scratch(Run { user: "65532".to_owned(), entrypoint, ports: vec![5001], directory: "/".to_owned() })
}

async fn pushed(fake: &Fake, image: &Image<'_>, told: &Told) -> Result<PushedImage, ImageError> {
    push(&fake.client(), image, told, None).await
}

fn manifest(fake: &Fake, name: &str) -> Value {
    serde_json::from_slice(&fake.world.lock().unwrap().manifests[name].1).unwrap()
}

fn config(fake: &Fake, manifest: &Value) -> Value {
    let digest = manifest["config"]["digest"].as_str().unwrap();
    serde_json::from_slice(&fake.world.lock().unwrap().blobs[digest]).unwrap()
}

/// The digest of the archive inside a layer.
fn opened(fake: &Fake, digest: &Value) -> String {
    let world = fake.world.lock().unwrap();
    let mut archive = Vec::new();
    let layer = &world.blobs[digest.as_str().unwrap()][..];
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(layer), &mut archive).unwrap();
    oci::Digest::of(&archive).to_string()
}

#[tokio::test]
async fn an_image_is_whole_and_the_same_every_time() {
    let (first, second, told) = (Fake::start().await, Fake::start().await, Told::default());
    let image = image("7", scratch());
    let digest = pushed(&first, &image, &told).await.unwrap().digest;
    assert_eq!(pushed(&second, &image, &told).await.unwrap().digest, digest);

    let manifest = manifest(&first, "p/r/model:7");
    assert_eq!(manifest["annotations"], json!({"a": "1", "b": "2"}));
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_eq!(manifest["layers"][0]["annotations"][KEY_ANNOTATION], image.layers[0].key());
    let config = config(&first, &manifest);
    let opened: Vec<String> =
        manifest["layers"].as_array().unwrap().iter().map(|it| opened(&first, &it["digest"])).collect();
    assert_eq!(json!(opened), config["rootfs"]["diff_ids"]);
    assert_eq!(config["config"]["Entrypoint"], json!(["/bin/serve"]));
    assert!(config["config"]["Env"].as_array().unwrap().contains(&json!("MODEL_DIR=/var/models/m")));
    assert_eq!(config["history"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_image_that_is_there_is_not_sent_again() {
    let (fake, told) = (Fake::start().await, Told::default());
    let image = image("7", scratch());
    let first = pushed(&fake, &image, &told).await.unwrap();
    let (uploads, puts) = (fake.count("POST upload"), fake.count("PUT manifest"));
    let again = pushed(&fake, &image, &told).await.unwrap();
    assert_eq!(again.digest, first.digest);
    assert_eq!(again.tally, Tally { present: first.tally.sent, ..Tally::default() });
    assert_eq!((fake.count("POST upload"), fake.count("PUT manifest")), (uploads, puts));
}

#[tokio::test]
async fn a_layer_that_compresses_goes_small_and_the_same_every_time() {
    let text: Vec<u8> = b"split 7 threshold 0.25\n".iter().copied().cycle().take(LARGE).collect();
    let layer = || Layer::new("/models", vec![entry("trees.txt", text.clone())]).unwrap();
    let image = || Image { layers: vec![layer()], ..image("7", scratch()) };
    let (one, two, told) = (Fake::start().await, Fake::start().await, Told::default());
    let first = pushed(&one, &image(), &told).await.unwrap();
    assert!(first.tally.sent < 100_000, "{:?}", first.tally);
    let manifest = manifest(&one, "p/r/model:7");
    assert_eq!(
        json!([opened(&one, &manifest["layers"][0]["digest"])]),
        config(&one, &manifest)["rootfs"]["diff_ids"]
    );
    assert_eq!(pushed(&two, &image(), &told).await.unwrap().digest, first.digest);
    let again = pushed(&one, &image(), &told).await.unwrap();
    assert_eq!((again.digest, again.tally.sent), (first.digest, 0));
}

#[tokio::test]
async fn the_next_version_sends_only_what_changed() {
    let (fake, told) = (Fake::start().await, Told::default());
    pushed(&fake, &image("7", scratch()), &told).await.unwrap();
    let eight = pushed(&fake, &image("8", scratch()), &told).await.unwrap();
    assert!(eight.tally.sent < 10_000, "{:?}", eight.tally);
    assert!(eight.tally.present > LARGE as u64);
    assert!(told.0.lock().unwrap().contains(&"skipped weights.bin Present".to_owned()));
    assert_eq!(fake.count("PATCH upload"), 1);
}

/// An image with a list, one large layer, and one small one.
fn listed(tag: &'static str, bytes: Vec<u8>, fingerprint: &str) -> Image<'static> {
    let large = Entry { fingerprint: fingerprint.to_owned(), ..entry("weights.bin", bytes) };
    let layers = vec![
        Layer::new("/models", vec![large]).unwrap(),
        Layer::new("/models", vec![entry("a.txt", b"a".to_vec()), entry("empty", Vec::new())]).unwrap(),
    ];
    Image { layers, list: Some("/files.jsonl"), ..image(tag, scratch()) }
}

#[tokio::test]
async fn every_file_is_listed_with_its_digest() {
    let (fake, told) = (Fake::start().await, Told::default());
    let bytes = noise(LARGE);
    let first = pushed(&fake, &listed("7", bytes.clone(), "1"), &told).await.unwrap();
    let manifest = manifest(&fake, "p/r/model:7");
    let list = &manifest["layers"][2];
    assert_eq!(list["annotations"]["dev.gangplank.layer.files"], "3");
    let mut archive = Vec::new();
    let blob = fake.world.lock().unwrap().blobs[list["digest"].as_str().unwrap()].clone();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&blob[..]), &mut archive).unwrap();
    let text = String::from_utf8_lossy(&archive);
    let weights = Digest::of(&bytes).to_string().replace("sha256:", "");
    let line = format!("{{\"path\":\"/models/weights.bin\",\"size\":{LARGE},\"sha256\":\"{weights}\"}}\n");
    assert!(text.contains(&line), "{text}");
    // What is not read again is listed all the same, from the list before.
    let again = pushed(&fake, &listed("7", bytes, "1"), &told).await.unwrap();
    assert_eq!((again.digest, again.tally.sent), (first.digest, 0));
}

#[tokio::test]
async fn a_file_that_was_registered_anew_and_did_not_change_is_read_and_not_sent() {
    let (fake, told) = (Fake::start().await, Told::default());
    let bytes = noise(LARGE);
    pushed(&fake, &listed("7", bytes.clone(), "1"), &told).await.unwrap();
    let eight = pushed(&fake, &listed("8", bytes.clone(), "2"), &told).await.unwrap();
    assert!(eight.tally.sent < 10_000, "{:?}", eight.tally);
    assert_eq!(fake.count("PATCH upload"), 1);
    // The sample does not show it, the comparison does.
    let mut other = bytes.clone();
    other[100_000] ^= 1;
    let nine = pushed(&fake, &listed("9", other.clone(), "3"), &told).await.unwrap();
    assert!(nine.tally.sent > LARGE as u64, "{:?}", nine.tally);
    // The sample shows it: nothing is read twice.
    other[0] ^= 1;
    let ten = pushed(&fake, &listed("a", other, "4"), &told).await.unwrap();
    assert!(ten.tally.sent > LARGE as u64, "{:?}", ten.tally);
}

#[tokio::test]
async fn what_a_run_that_failed_has_sent_is_not_sent_again() {
    let (fake, told) = (Fake::start().await, Told::default());
    let folder = std::env::temp_dir().join(format!("gangplank-journal-it-{}", std::process::id()));
    let journal = Journal::of(&folder, "p/r/model:7");
    let image = listed("7", noise(LARGE), "1");
    fake.world.lock().unwrap().refuses_manifests = true;
    push(&fake.client(), &image, &told, Some(&journal)).await.unwrap_err();
    fake.world.lock().unwrap().refuses_manifests = false;
    let image = listed("7", noise(LARGE), "1");
    let second = push(&fake.client(), &image, &told, Some(&journal)).await.unwrap();
    assert_eq!((second.tally.sent, fake.count("PATCH upload")), (0, 1), "{:?}", second.tally);
    let other = Fake::start().await;
    assert_eq!(pushed(&other, &image, &told).await.unwrap().digest, second.digest);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "the journal of a finished image is gone");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_known_layer_that_the_registry_lost_is_sent_again() {
    let (fake, told) = (Fake::start().await, Told::default());
    pushed(&fake, &image("7", scratch()), &told).await.unwrap();
    {
        let mut world = fake.world.lock().unwrap();
        world.sizes.clear();
        world.blobs.clear();
    }
    let eight = pushed(&fake, &image("8", scratch()), &told).await.unwrap();
    assert!(eight.tally.sent > LARGE as u64);
}

#[tokio::test]
async fn a_list_that_outlived_its_layers_says_nothing_of_the_new_ones() {
    let (fake, told) = (Fake::start().await, Told::default());
    pushed(&fake, &listed("7", noise(LARGE), "1"), &told).await.unwrap();
    let manifest = manifest(&fake, "p/r/model:7");
    let weights = manifest["layers"][0]["digest"].as_str().unwrap();
    fake.world.lock().unwrap().sizes.remove(weights);
    // The fingerprint is the same and the file is not: what is read counts, not what was listed.
    let mut other = noise(LARGE);
    other[0] ^= 1;
    pushed(&fake, &listed("8", other.clone(), "1"), &told).await.unwrap();
    let list = self::manifest(&fake, "p/r/model:8")["layers"][2]["digest"].as_str().unwrap().to_owned();
    let mut text = String::new();
    let blob = fake.world.lock().unwrap().blobs[&list].clone();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&blob[..]));
    let mut file = archive.entries().unwrap().next().unwrap().unwrap();
    std::io::Read::read_to_string(&mut file, &mut text).unwrap();
    let digest = Digest::of(&other).to_string().replace("sha256:", "");
    assert!(text.contains(&digest), "{text}");
}

#[tokio::test]
async fn an_earlier_image_that_cannot_be_read_is_no_reason_to_stop() {
    let (fake, told) = (Fake::start().await, Told::default());
    pushed(&fake, &image("6", scratch()), &told).await.unwrap();
    for fault in [Fault::OtherDigest, Fault::Corrupt] {
        fake.fault("GET manifest", fault);
        pushed(&fake, &image("7", scratch()), &told).await.unwrap();
        fake.fault("GET tags", fault);
        pushed(&fake, &image("7", scratch()), &told).await.unwrap();
    }
}

#[tokio::test]
async fn no_manifest_before_its_blobs() {
    let (fake, told) = (Fake::start().await, Told::default());
    for _ in 0..10 {
        fake.fault("PATCH upload", Fault::CutUpload(1000));
    }
    let error = pushed(&fake, &image("7", scratch()), &told).await.unwrap_err();
    assert!(matches!(error, ImageError::Registry(RegistryError::Unreachable { .. })), "{error}");
    assert_eq!(fake.count("PUT manifest"), 0);
}

/// Puts an image that somebody else built, for two platforms, and gives its index' name.
fn foreign_image(fake: &Fake) {
    let (layer, config) = (b"\x1f\x8bnot really gzip".as_slice(), json!({
        "architecture": "amd64", "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["serve"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]},
        "history": [{"created_by": "somebody"}],
    }).to_string());
    let (layer_digest, config_digest) = (fake.put_blob(layer), fake.put_blob(config.as_bytes()));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": config.len(), "digest": config_digest.as_str(),
        },
        "layers": [{
            "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "size": layer.len(), "digest": layer_digest.as_str(),
        }],
    })
    .to_string();
    let media_type = "application/vnd.docker.distribution.manifest.v2+json";
    let digest = fake.put_manifest("library/serve:amd64", media_type, manifest.as_bytes());
    let platform = |architecture: &str, digest: &str| {
        json!({
            "mediaType": media_type, "size": manifest.len(), "digest": digest,
            "platform": {"architecture": architecture, "os": "linux"},
        })
    };
    let other = Digest::of(b"arm").to_string();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
        "manifests": [platform("arm64", &other), platform("amd64", digest.as_str())],
    })
    .to_string();
    let media_type = "application/vnd.docker.distribution.manifest.list.v2+json";
    fake.put_manifest("library/serve:1", media_type, index.as_bytes());
}

#[tokio::test]
async fn an_image_from_elsewhere_is_built_upon() {
    let (origin, fake, told) = (Fake::start().await, Fake::start().await, Told::default());
    foreign_image(&origin);
    let client = origin.client();
    let base = Base::Image(Origin { registry: &client, repository: "library/serve", version: "1" });
    let first = pushed(&fake, &image("7", base), &told).await.unwrap();
    assert!(first.tally.sent > LARGE as u64);
    let manifest = manifest(&fake, "p/r/model:7");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 3);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    let config = config(&fake, &manifest);
    assert_eq!(config["config"]["Cmd"], json!(["serve"]));
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 3);
    assert_eq!(config["history"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn more_layers_than_runtimes_stack_are_refused_before_anything_is_copied() {
    let (origin, fake, told) = (Fake::start().await, Fake::start().await, Told::default());
    let layer = origin.put_blob(b"layer");
    let config = origin.put_blob(b"{}");
    let descriptor = |media_type: &str, digest: &Digest, size: usize| json!({"mediaType": media_type, "digest": digest.as_str(), "size": size});
    let layers = vec![descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer, 5); 126];
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type, "layers": layers,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config, 2),
    });
    origin.put_manifest("library/many:1", media_type, manifest.to_string().as_bytes());
    let client = origin.client();
    let base = Base::Image(Origin { registry: &client, repository: "library/many", version: "1" });
    let error = pushed(&fake, &image("7", base), &told).await.unwrap_err();
    assert!(
        error.to_string().contains("has 126 layers and 2 are to lie on it, expected at most 127"),
        "{error}"
    );
    assert_eq!(fake.count("POST upload"), 0);
}

#[tokio::test]
async fn blobs_of_the_same_registry_are_mounted_or_sent() {
    for mounts in [true, false] {
        let (fake, told) = (Fake::start().await, Told::default());
        foreign_image(&fake);
        fake.world.lock().unwrap().mounts = mounts;
        fake.world.lock().unwrap().apart = true;
        let client = fake.client();
        let origin = Origin { registry: &client, repository: "library/serve", version: "1" };
        let destination = Destination { registry: &client, repository: "p/r/copy", tag: "1" };
        let copied = copy::image(origin, destination, &one(), &told).await.unwrap();
        assert_eq!(
            copied.digest.as_str(),
            Digest::of(&fake.world.lock().unwrap().manifests["p/r/copy:1"].1).as_str()
        );
        assert_eq!(copied.tally.sent > 0, !mounts);
        let skipped = told.0.lock().unwrap().iter().filter(|it| it.ends_with("Mounted")).count();
        assert_eq!(skipped, if mounts { 2 } else { 0 });
        // A refused mount is already the beginning of an upload.
        assert_eq!(fake.count("POST upload"), 2);
    }
}

#[tokio::test]
async fn a_base_that_lies_is_not_copied() {
    let (origin, fake, told) = (Fake::start().await, Fake::start().await, Told::default());
    foreign_image(&origin);
    let (from, to) = (origin.client(), fake.client());
    let source = Origin { registry: &from, repository: "library/serve", version: "amd64" };
    let destination = Destination { registry: &to, repository: "p/r/copy", tag: "1" };
    origin.fault("GET blob", Fault::Corrupt);
    let error = copy::image(source, destination, &one(), &told).await.unwrap_err();
    assert!(matches!(error, CopyError::Registry(RegistryError::Source { .. })), "{error}");
    assert_eq!(fake.count("PUT manifest"), 0);
    let missing = Origin { version: "9", ..source };
    assert!(matches!(copy::image(missing, destination, &one(), &told).await, Err(CopyError::NotFound(_))));
}
