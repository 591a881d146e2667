//! Signatures of images: found where cosign puts them, and every lie about them.

use std::collections::BTreeMap;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci::Digest;
use oci::attest::{Made, Model, sbom, slsa};
use oci::signature::{Kept, Payload, PublicKey, Shelf, Unsigned, demand, put};
use serde_json::{Value, json};

use crate::fake::{Fake, Fault, Told};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION: &str = "dev.cosignproject.cosign/signature";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// A key, and its public half as PEM has it.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn public(&self) -> PublicKey {
        let head = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
        let der = STANDARD.encode([&head[..], self.0.public_key().as_ref()].concat());
        PublicKey::parse(&format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")).unwrap()
    }

    fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.0.sign(&SystemRandom::new(), bytes).unwrap())
    }
}

fn image(fake: &Fake) -> Digest {
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "layers": [] }).to_string();
    fake.put_manifest("o/base:1", MANIFEST, manifest.as_bytes())
}

fn payload(image: &Digest) -> Vec<u8> {
    let text = json!({ "critical": {
        "identity": { "docker-reference": "elsewhere.example/base" },
        "image": { "docker-manifest-digest": image.as_str() },
        "type": "cosign container image signature",
    }, "optional": null });
    text.to_string().into_bytes()
}

fn manifest(layers: &[Value]) -> String {
    let config = json!({ "mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": Digest::of(b"{}").as_str() });
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers }).to_string()
}

/// A layer of cosign's second version, with its blob.
fn simple(fake: &Fake, payload: &[u8], annotations: &Value) -> Value {
    let digest = fake.put_blob(payload);
    json!({ "mediaType": SIMPLE, "size": payload.len(), "digest": digest.as_str(), "annotations": annotations })
}

fn tagged(fake: &Fake, image: &Digest, layers: &[Value]) {
    fake.put_manifest(
        &format!("o/base:{}", Shelf::Signatures.tag(image)),
        MANIFEST,
        manifest(layers).as_bytes(),
    );
}

/// A bundle of cosign's third version, listed under the image's tag.
fn bundled(fake: &Fake, image: &Digest, signer: &Signer, (subject, predicate): (&Digest, &str)) {
    let digits = subject.as_str().trim_start_matches("sha256:");
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": predicate,
        "subject": [{ "name": "", "digest": { "sha256": digits } }], "predicate": {},
    });
    let (kind, text) = ("application/vnd.in-toto+json", statement.to_string());
    let bytes = format!("DSSEv1 {} {kind} {} {text}", kind.len(), text.len());
    let bundle = json!({ "mediaType": BUNDLE, "dsseEnvelope": {
        "payload": STANDARD.encode(&text), "payloadType": kind,
        "signatures": [{ "sig": signer.sign(bytes.as_bytes()) }],
    }});
    let bundle = bundle.to_string();
    let blob = fake.put_blob(bundle.as_bytes());
    let layer = json!({ "mediaType": BUNDLE, "size": bundle.len(), "digest": blob.as_str() });
    let manifest = manifest(&[layer]);
    let digest = Digest::of(manifest.as_bytes());
    fake.put_manifest(&format!("o/base:{digest}"), MANIFEST, manifest.as_bytes());
    let index = json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": MANIFEST, "size": manifest.len(), "digest": digest.as_str(), "artifactType": BUNDLE,
    }]});
    let name = format!("o/base:{}", image.as_str().replace(':', "-"));
    fake.put_manifest(&name, "application/vnd.oci.image.index.v1+json", index.to_string().as_bytes());
}

async fn verdict(fake: &Fake, image: &Digest, key: &PublicKey) -> Result<(), Unsigned> {
    demand(&fake.client(), "o/base", image, key).await
}

async fn refused(fake: &Fake, image: &Digest, key: &PublicKey, expected: &str) {
    let error = verdict(fake, image, key).await.unwrap_err();
    assert!(!matches!(error, Unsigned::Registry(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains(expected) && text.contains(&key.fingerprint()), "`{expected}` is not in `{text}`");
}

#[tokio::test]
async fn a_signature_of_either_form_is_enough() {
    let signer = Signer::new();
    for old in [true, false] {
        let fake = Fake::start().await;
        let image = image(&fake);
        if old {
            let payload = payload(&image);
            let annotations = json!({ ANNOTATION: signer.sign(&payload) });
            tagged(&fake, &image, &[simple(&fake, &payload, &annotations)]);
        } else {
            bundled(&fake, &image, &signer, (&image, SIGN));
        }
        verdict(&fake, &image, &signer.public()).await.unwrap();
        refused(&fake, &image, &Signer::new().public(), "another key").await;
    }
}

#[tokio::test]
async fn the_right_signature_among_wrong_ones_is_found() {
    let (fake, signer) = (Fake::start().await, Signer::new());
    let image = image(&fake);
    let (right, wrong) = (payload(&image), payload(&Digest::of(b"other")));
    let layers = [
        simple(&fake, b"{}", &json!({ ANNOTATION: Signer::new().sign(b"{}") })),
        simple(&fake, &wrong, &json!({ ANNOTATION: signer.sign(&wrong) })),
        simple(&fake, &right, &json!({ ANNOTATION: signer.sign(&right) })),
    ];
    tagged(&fake, &image, &layers);
    verdict(&fake, &image, &signer.public()).await.unwrap();
}

#[tokio::test]
async fn no_signature_is_said_with_the_place_that_was_looked_at() {
    let (fake, signer) = (Fake::start().await, Signer::new());
    let image = image(&fake);
    refused(&fake, &image, &signer.public(), &Shelf::Signatures.tag(&image)).await;
    // Layers that are no signatures do not count as one.
    let layer = json!({ "mediaType": "text/plain", "size": 2, "digest": fake.put_blob(b"{}").as_str() });
    tagged(&fake, &image, &[layer]);
    refused(&fake, &image, &signer.public(), "is not signed").await;
}

#[tokio::test]
async fn every_lie_under_the_tag_is_told() {
    let signer = Signer::new();
    let other = payload(&Digest::of(b"other"));
    let by_key = |payload: &[u8]| json!({ ANNOTATION: signer.sign(payload) });
    let fake = Fake::start().await;
    let image = image(&fake);
    let good = payload(&image);
    let mut large = simple(&fake, &good, &by_key(&good));
    large["size"] = json!(1 << 20);
    let mut gone = simple(&fake, &good, &by_key(&good));
    gone["digest"] = json!(Digest::of(b"gone").as_str());
    let rows = [
        // It is the key's, of another image.
        (simple(&fake, &other, &by_key(&other)), "is of another image, sha256:"),
        // It is the key's signature of another text.
        (simple(&fake, &good, &by_key(&other)), "another key, or changed since"),
        (simple(&fake, &good, &json!({})), "has no annotation"),
        (simple(&fake, &good, &json!({ ANNOTATION: "*" })), "is no base64"),
        (simple(&fake, &good, &json!({ ANNOTATION: "" })), "another key, or changed since"),
        (simple(&fake, b"{}", &by_key(b"{}")), "cannot be read"),
        (large, "bytes, expected"),
        (gone, "cannot be read"),
    ];
    for (layer, expected) in rows {
        tagged(&fake, &image, &[layer]);
        refused(&fake, &image, &signer.public(), expected).await;
    }
    fake.put_manifest(&format!("o/base:{}", Shelf::Signatures.tag(&image)), MANIFEST, b"{}");
    refused(&fake, &image, &signer.public(), "cannot be read").await;
}

#[tokio::test]
async fn every_lie_of_a_bundle_is_told() {
    let (fake, signer) = (Fake::start().await, Signer::new());
    let image = image(&fake);
    let other = Digest::of(b"other");
    bundled(&fake, &image, &signer, (&other, SIGN));
    refused(&fake, &image, &signer.public(), &format!("is of another image, {other}")).await;
    bundled(&fake, &image, &signer, (&image, "https://slsa.dev/provenance/v1"));
    refused(&fake, &image, &signer.public(), "a statement about the image, `https://slsa.dev/").await;
}

#[tokio::test]
async fn a_registry_that_changes_the_text_or_fails_is_not_believed() {
    let (fake, signer) = (Fake::start().await, Signer::new());
    let image = image(&fake);
    let payload = payload(&image);
    tagged(&fake, &image, &[simple(&fake, &payload, &json!({ ANNOTATION: signer.sign(&payload) }))]);
    fake.fault("GET blob", Fault::Corrupt);
    refused(&fake, &image, &signer.public(), "not what was promised").await;
    fake.fault("GET manifest", Fault::OtherDigest);
    assert!(matches!(verdict(&fake, &image, &signer.public()).await, Err(Unsigned::Registry(_))));
    verdict(&fake, &image, &signer.public()).await.unwrap();
}

/// What is signed about an image of `model` by `who`: its name, and two statements.
fn payloads(image: &Digest, model: &str, who: &str) -> Vec<Payload> {
    let made = Made {
        name: "r.example/o/base".to_owned(),
        digest: image.clone(),
        model: Model {
            name: "Wine".to_owned(),
            version: "7".to_owned(),
            uri: "cellar:/models/Wine/versions/7".to_owned(),
            root: "/models".to_owned(),
            notes: BTreeMap::new(),
        },
        files: Vec::new(),
        base: None,
        parameters: BTreeMap::from([("model".to_owned(), model.to_owned())]),
    };
    let name = Payload::name(&made.name, image, &[("key".to_owned(), who.to_owned())].into());
    let statements = [sbom::statement(&made), slsa::statement(&made)];
    let statements = statements.map(|statement| Payload::Statement { statement, signer: who.to_owned() });
    [name].into_iter().chain(statements).collect()
}

async fn put_by(fake: &Fake, (image, model): (&Digest, &str), signer: &Signer, who: &str) -> Vec<Kept> {
    let all: Vec<_> = payloads(image, model, who)
        .into_iter()
        .map(|payload| {
            let signature = STANDARD.decode(signer.sign(&payload.bytes())).unwrap();
            (payload, signature)
        })
        .collect();
    put(&fake.client(), "o/base", image, &all, &Told::default()).await.unwrap()
}

/// The layers of a manifest, and their blobs.
fn shelved(fake: &Fake, kept: &Kept) -> Vec<(Value, Value)> {
    let world = fake.world.lock().unwrap();
    let manifest = &world.manifests[&format!("o/base:{}", kept.digest)].1;
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap().iter();
    let blob = |layer: &Value| world.blobs[layer["digest"].as_str().unwrap()].clone();
    layers.map(|layer| (layer.clone(), serde_json::from_slice(&blob(layer)).unwrap())).collect()
}

#[tokio::test]
async fn signatures_are_put_beside_those_that_are_there() {
    let (fake, one, other) = (Fake::start().await, Signer::new(), Signer::new());
    let image = image(&fake);
    put_by(&fake, (&image, "Wine:7"), &one, "one").await;
    put_by(&fake, (&image, "Wine:7"), &other, "other").await;
    let last = put_by(&fake, (&image, "Wine:7"), &one, "one").await;
    for signer in [&one, &other] {
        verdict(&fake, &image, &signer.public()).await.unwrap();
    }
    assert_eq!(
        last.iter().map(|kept| kept.shelf).collect::<Vec<_>>(),
        [Shelf::Signatures, Shelf::Attestations]
    );
    assert_eq!(shelved(&fake, &last[0]).len(), 2, "one for each key");
    let statements = shelved(&fake, &last[1]);
    assert_eq!(statements.len(), 4, "two for each key");
    let signers =
        statements.iter().map(|(layer, _)| layer["annotations"]["dev.gangplank.signer"].as_str().unwrap());
    assert_eq!(signers.collect::<Vec<_>>(), ["other", "other", "one", "one"]);
    // The same image is made of another model: what was said of the first is true all the same.
    let last = put_by(&fake, (&image, "Wine:8"), &one, "one").await;
    assert_eq!((shelved(&fake, &last[0]).len(), shelved(&fake, &last[1]).len()), (2, 5));
}

#[tokio::test]
async fn statements_are_signed_in_envelopes() {
    let (fake, signer) = (Fake::start().await, Signer::new());
    let image = image(&fake);
    let kept = put_by(&fake, (&image, "Wine:7"), &signer, "one").await;
    let expected = payloads(&image, "Wine:7", "one");
    let statements = shelved(&fake, &kept[1]);
    for ((layer, envelope), payload) in statements.iter().zip(&expected[1..]) {
        assert_eq!(layer["mediaType"], "application/vnd.dsse.envelope.v1+json");
        assert_eq!(layer["annotations"][ANNOTATION], "");
        let statement = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        let bytes = [
            b"DSSEv1 28 application/vnd.in-toto+json ",
            statement.len().to_string().as_bytes(),
            b" ",
            &statement,
        ]
        .concat();
        assert_eq!(payload.bytes(), bytes);
        let signature = STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
        assert!(signer.public().verifies(&bytes, &signature));
        let statement: Value = serde_json::from_slice(&statement).unwrap();
        assert_eq!(statement["predicateType"], layer["annotations"]["predicateType"]);
        assert_eq!(
            format!("sha256:{}", statement["subject"][0]["digest"]["sha256"].as_str().unwrap()),
            image.as_str()
        );
    }
    assert_eq!(statements.len(), 2);
}

#[tokio::test]
async fn what_is_no_list_of_signatures_is_not_written_over() {
    let fake = Fake::start().await;
    let image = image(&fake);
    for shelf in [Shelf::Signatures, Shelf::Attestations] {
        fake.put_manifest(&format!("o/base:{}", shelf.tag(&image)), MANIFEST, b"{}");
        let signed: Vec<_> =
            payloads(&image, "Wine:7", "one").into_iter().map(|payload| (payload, Vec::new())).collect();
        let refused = put(&fake.client(), "o/base", &image, &signed, &Told::default()).await.unwrap_err();
        let expected = format!("`{}` is no image", shelf.tag(&image));
        assert!(refused.to_string().contains(&expected), "{refused}");
        assert_eq!(fake.world.lock().unwrap().manifests[&format!("o/base:{}", shelf.tag(&image))].1, "{}");
        fake.world.lock().unwrap().manifests.remove(&format!("o/base:{}", shelf.tag(&image)));
    }
}
