//! Copies: whole indexes, what refers to them, what is there already, what registries lie about.

use oci::copy::{self, CopyError, Destination, Options, Origin, Platform, Platforms};
use oci::{Digest, RegistryError};
use serde_json::{Value, json};

use crate::fake::{Fake, Fault, Told};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "size": bytes.len(), "digest": Digest::of(bytes).as_str() })
}

/// Puts an image of these layers, and gives its manifest.
fn put_image(fake: &Fake, name: &str, layers: &[&[u8]], more: &Value) -> Vec<u8> {
    let config = json!({ "architecture": "amd64", "os": "linux", "name": name }).to_string();
    fake.put_blob(config.as_bytes());
    for layer in layers {
        fake.put_blob(layer);
    }
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
        "layers": layers.iter().map(|layer| descriptor(LAYER, layer)).collect::<Vec<_>>(),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        manifest[key] = value.clone();
    }
    let bytes = manifest.to_string().into_bytes();
    fake.put_manifest(name, MANIFEST, &bytes);
    bytes
}

/// An index of two platforms under `o/app:1`.
fn put_index(fake: &Fake) -> Vec<u8> {
    let of = |architecture: &str, bytes: &[u8]| {
        let mut descriptor = descriptor(MANIFEST, bytes);
        descriptor["platform"] = json!({ "os": "linux", "architecture": architecture });
        descriptor
    };
    let amd = put_image(fake, "o/app:amd64", &[b"common", b"for amd"], &Value::Null);
    let arm = put_image(fake, "o/app:arm64", &[b"common", b"for arm"], &Value::Null);
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [of("amd64", &amd), of("arm64", &arm)],
        "annotations": { "kept": "yes" },
    });
    let bytes = index.to_string().into_bytes();
    fake.put_manifest("o/app:1", INDEX, &bytes);
    bytes
}

async fn copied(from: &Fake, to: &Fake, version: &str, options: &Options) -> Result<copy::Copied, CopyError> {
    let (origin, destination) = (from.client(), to.client());
    let origin = Origin { registry: &origin, repository: "o/app", version };
    let destination = Destination { registry: &destination, repository: "d/app", tag: "1" };
    copy::image(origin, destination, options, &Told::default()).await
}

fn kept(fake: &Fake, name: &str) -> Option<Vec<u8>> {
    fake.world.lock().unwrap().manifests.get(name).map(|(_, bytes)| bytes.to_vec())
}

fn requests(fake: &Fake) -> usize {
    fake.world.lock().unwrap().log.len()
}

fn plain() -> Options {
    Options { referrers: false, ..Options::default() }
}

#[tokio::test]
async fn an_index_is_copied_with_all_its_images_byte_for_byte() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let index = put_index(&from);
    let copied = copied(&from, &to, "1", &plain()).await.unwrap();
    assert_eq!(copied.digest, Digest::of(&index));
    assert_eq!(kept(&to, "d/app:1").unwrap(), index);
    // `common` is in both images and went once.
    assert_eq!(from.count("GET blob 200"), 5);
    assert_eq!(to.count("PUT manifest 201"), 3);
}

#[tokio::test]
async fn one_platform_of_an_index_is_copied_alone() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    put_index(&from);
    let options =
        |platform: &str| Options { platforms: Platforms::One(platform.parse().unwrap()), ..plain() };
    let copied_one = copied(&from, &to, "1", &options("linux/arm64")).await.unwrap();
    assert_eq!(kept(&to, "d/app:1"), kept(&from, "o/app:arm64"));
    assert_eq!(copied_one.tally.sent, to.world.lock().unwrap().sizes.values().sum::<u64>());
    let error = copied(&from, &to, "1", &options("linux/s390x")).await.unwrap_err().to_string();
    assert!(error.ends_with("has no image for linux/s390x; it has: linux/amd64, linux/arm64"), "{error}");
}

#[tokio::test]
async fn what_is_there_under_the_same_name_costs_two_requests() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    put_index(&from);
    copied(&from, &to, "1", &plain()).await.unwrap();
    let before = (requests(&from), requests(&to));
    let again = copied(&from, &to, "1", &plain()).await.unwrap();
    assert_eq!((requests(&from) - before.0, requests(&to) - before.1), (1, 1));
    assert_eq!(again.tally.sent, 0);
}

#[tokio::test]
async fn blobs_that_another_image_of_the_repository_lists_are_not_asked_for() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let layers: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; 100]).collect();
    let slices: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    put_image(&to, "d/app:0", &slices[..38], &Value::Null);
    put_image(&from, "o/app:1", &slices, &Value::Null);
    let copied = copied(&from, &to, "1", &plain()).await.unwrap();
    assert_eq!(copied.tally.present, 3800);
    assert_eq!(from.count("GET blob"), 3);
    // Two layers and the configuration: each asked for, begun, sent.
    assert_eq!((to.count("HEAD blob"), to.count("POST upload"), to.count("PUT upload")), (3, 3, 3));
    assert_eq!(to.count("PUT manifest 201"), 1);
}

#[tokio::test]
async fn a_manifest_that_lists_blobs_that_are_gone_is_found_out() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let layers: Vec<Vec<u8>> = (0..12_u8).map(|n| vec![n; 100]).collect();
    let slices: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    put_image(&to, "d/app:0", &slices, &Value::Null);
    let gone = Digest::of(&layers[5]).to_string();
    to.world.lock().unwrap().blobs.remove(&gone);
    to.world.lock().unwrap().sizes.remove(&gone);
    put_image(&from, "o/app:1", &slices, &Value::Null);
    copied(&from, &to, "1", &plain()).await.unwrap();
    assert!(to.has(&Digest::of(&layers[5])));
    assert_eq!((to.count("PUT manifest 404"), to.count("PUT manifest 201")), (1, 1));
}

#[tokio::test]
async fn what_refers_to_an_image_goes_along() {
    for (theirs, ours) in [(true, true), (true, false), (false, false), (false, true)] {
        let (from, to) = (Fake::start().await, Fake::start().await);
        from.world.lock().unwrap().lists_referrers = theirs;
        to.world.lock().unwrap().lists_referrers = ours;
        let image = put_image(&from, "o/app:1", &[b"weights"], &Value::Null);
        let subject = descriptor(MANIFEST, &image);
        let sbom = put_image(&from, "o/app:sbom", &[b"{}"], &json!({ "subject": subject }));
        let signed = descriptor(MANIFEST, &sbom);
        let signature = put_image(&from, "o/app:signed", &[b"signature"], &json!({ "subject": signed }));
        let tag = |bytes: &[u8]| Digest::of(bytes).as_str().replace(':', "-");
        if !theirs {
            for (of, listed) in [(&image, &sbom), (&sbom, &signature)] {
                let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(MANIFEST, listed)] });
                from.put_manifest(&format!("o/app:{}", tag(of)), INDEX, index.to_string().as_bytes());
            }
        }
        put_image(&from, &format!("o/app:{}.sig", tag(&image)), &[b"cosign"], &Value::Null);
        let copied = copied(&from, &to, "1", &Options::default()).await.unwrap();
        assert_eq!(copied.referrers, 3, "{theirs} {ours}");
        for bytes in [&sbom, &signature] {
            assert_eq!(kept(&to, &format!("d/app:{}", Digest::of(bytes))).as_ref(), Some(bytes));
        }
        assert!(kept(&to, &format!("d/app:{}.sig", tag(&image))).is_some());
        let listed = kept(&to, &format!("d/app:{}", tag(&image)));
        assert_eq!(
            listed.is_some(),
            !ours,
            "an index under the tag exactly where the registry keeps no list"
        );
    }
}

#[tokio::test]
async fn a_tag_is_taken_only_with_a_word_even_where_it_cannot_be_read() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    put_image(&from, "o/app:1", &[b"new"], &Value::Null);
    let there = put_image(&to, "d/app:1", &[b"old"], &Value::Null);
    let careful = Options { replace: false, ..plain() };
    let error = copied(&from, &to, "1", &careful).await.unwrap_err();
    assert!(
        matches!(&error, CopyError::Taken { there: taken, .. } if *taken == Digest::of(&there)),
        "{error}"
    );
    to.world.lock().unwrap().hides_manifests = true;
    let error = copied(&from, &to, "1", &careful).await.unwrap_err();
    assert!(matches!(error, CopyError::Registry(RegistryError::Refused { .. })), "{error}");
    assert_eq!(kept(&to, "d/app:1").unwrap(), there);
    copied(&from, &to, "1", &plain()).await.unwrap();
    assert_ne!(kept(&to, "d/app:1").unwrap(), there);
}

#[tokio::test]
async fn foreign_layers_stay_where_they_are() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let foreign = json!({
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "size": 5, "digest": Digest::of(b"elsewhere").as_str(), "urls": ["https://example.com/layer"],
    });
    let ours = descriptor(LAYER, b"ours");
    from.put_blob(b"ours");
    let image = put_image(&from, "o/app:1", &[], &json!({ "layers": [foreign, ours] }));
    copied(&from, &to, "1", &plain()).await.unwrap();
    assert_eq!(kept(&to, "d/app:1").unwrap(), image);
    assert!(to.has(&Digest::of(b"ours")) && !to.has(&Digest::of(b"elsewhere")));
}

#[tokio::test]
async fn dockers_first_kind_is_refused_with_a_clear_word() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let bytes = br#"{"schemaVersion":1,"name":"o/app","tag":"1","fsLayers":[]}"#;
    from.put_manifest("o/app:1", "application/vnd.docker.distribution.manifest.v1+prettyjws", bytes);
    let error = copied(&from, &to, "1", &plain()).await.unwrap_err();
    assert!(matches!(error, CopyError::SchemaOne(_)), "{error}");
    assert!(error.to_string().contains("schema version 1"));
}

#[tokio::test]
async fn a_wrong_blob_is_never_completed_at_the_destination() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    put_image(&from, "o/app:1", &[&vec![7; 100_000]], &Value::Null);
    for _ in 0..4 {
        from.fault("GET blob", Fault::Corrupt);
    }
    let error = copied(&from, &to, "1", &plain()).await.unwrap_err();
    assert!(matches!(error, CopyError::Registry(RegistryError::Source { .. })), "{error}");
    assert_eq!((to.count("PUT upload 201"), to.count("PUT manifest")), (0, 0));
}

#[tokio::test]
async fn cuts_on_either_side_cost_what_was_in_flight_and_are_counted() {
    let (from, to) = (Fake::start().await, Fake::start().await);
    let image = put_image(&from, "o/app:1", &[&vec![9; 2 << 20]], &Value::Null);
    from.fault("GET blob", Fault::CutAnswer(50));
    to.fault("PUT upload", Fault::CutUpload(10));
    to.fault("PUT upload", Fault::Busy(0));
    let copied = copied(&from, &to, "1", &plain()).await.unwrap();
    assert_eq!(copied.digest, Digest::of(&image));
    assert!(copied.retries >= 2, "{}", copied.retries);
}

#[test]
fn any_variant_is_taken_unless_one_is_named() {
    let any: Platform = "linux/arm64".parse().unwrap();
    assert_eq!(any.variant, None);
}
