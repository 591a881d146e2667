//! What is put beside images: parts and provenance, once, with digests that hold, and nothing of the machine.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::harbour::Harbour;

const SBOM: &str = "application/vnd.cyclonedx+json";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Something in the sandbox's registry, read as the administrator.
pub(crate) fn read(harbour: &Harbour, reference: &str, what: &str) -> String {
    let (place, _) = reference.split_once('@').unwrap();
    let (host, repository) = place.split_once('/').unwrap();
    let token = harbour.google_log_in();
    let url = format!("http://{host}/v2/{repository}/{what}");
    let (status, body) = harbour.send(harbour.client().get(url).bearer_auth(&token));
    assert_eq!(status, 200, "{body}");
    body
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The documents beside an image, by artifact type.
pub(crate) fn documents(harbour: &Harbour, reference: &str) -> BTreeMap<String, Value> {
    let (_, digest) = reference.split_once('@').unwrap();
    let list = parsed(&read(harbour, reference, &format!("referrers/{digest}")));
    let mut documents = BTreeMap::new();
    for listed in list["manifests"].as_array().unwrap() {
        let manifest = format!("manifests/{}", listed["digest"].as_str().unwrap());
        let manifest = parsed(&read(harbour, reference, &manifest));
        let blob =
            read(harbour, reference, &format!("blobs/{}", manifest["layers"][0]["digest"].as_str().unwrap()));
        let kind = listed["artifactType"].as_str().unwrap().to_owned();
        assert!(documents.insert(kind, parsed(&blob)).is_none(), "{list}");
    }
    documents
}

#[test]
fn an_image_says_what_is_in_it_and_how_it_was_made() {
    let harbour = Harbour::set_up();
    let packed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let reference = packed["reference"].as_str().unwrap();
    let digest = packed["digest"].as_str().unwrap().trim_start_matches("sha256:");
    let documents = documents(&harbour, reference);
    let (bom, statement) = (&documents[SBOM], &documents[IN_TOTO]);
    assert_eq!(packed["referrers"].as_array().unwrap().len(), documents.len());

    let model = &bom["components"][0];
    assert_eq!((&model["type"], &model["name"]), (&json!("machine-learning-model"), &json!("breast-cancer")));
    let listed: Vec<_> = model["components"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert!(listed.contains(&&json!("/models/model.onnx")), "{listed:?}");
    assert_eq!(bom["components"][1]["name"], "/usr/local/bin/gangplank-scorer");
    let scorer = std::fs::read(crate::harbour::scorer()).unwrap();
    let scorer = hex::encode(sha2::Sha256::digest(scorer));
    assert_eq!(bom["components"][1]["hashes"][0]["content"], scorer.as_str());

    assert_eq!(statement["subject"][0]["digest"]["sha256"], digest);
    let definition = &statement["predicate"]["buildDefinition"];
    assert_eq!(definition["externalParameters"]["model"], "breast-cancer:1");
    let model = &definition["resolvedDependencies"][0];
    assert!(model["uri"].as_str().unwrap().starts_with("azureml:/subscriptions/"), "{model}");
    for document in documents.values() {
        let text = document.to_string();
        let here = harbour.file("").display().to_string();
        for never in ["sig=", here.trim_end_matches('/')] {
            assert!(!text.contains(never), "`{never}` is in {text}");
        }
    }
}

#[test]
fn what_is_said_is_said_once_and_only_if_it_is_wished() {
    let harbour = Harbour::set_up();
    let bare =
        harbour.run(&["pack", "breast-cancer:1", "--no-provenance", "-o", "json"]).expect_code(0).json();
    assert_eq!(bare.get("referrers"), None);
    let reference = bare["reference"].as_str().unwrap();
    assert!(documents(&harbour, reference).is_empty());
    let packed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let shipped = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0);
    assert_eq!(shipped.json()["image"], reference, "the image is the same either way");
    assert_eq!(documents(&harbour, reference).len(), 2);
    let again = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    assert_eq!((&again["referrers"], &again["sent"]), (&packed["referrers"], &json!(0)));
}

#[test]
fn a_package_says_what_it_was_copied_from() {
    let harbour = Harbour::new();
    harbour.edit(
        "model: breast-cancer:1\n    runtime: onnx",
        "model: breast-cancer:2\n    runtime: { environment: \"breast-cancer-package:1\" }",
    );
    harbour.run(&["apply"]).expect_code(0);
    let packed = harbour.run(&["pack", "breast-cancer", "-o", "json"]).expect_code(0).json();
    let documents = documents(&harbour, packed["reference"].as_str().unwrap());
    let definition = &documents[IN_TOTO]["predicate"]["buildDefinition"];
    assert_eq!(definition["externalParameters"]["environment"], "breast-cancer-package:1");
    let base = &definition["resolvedDependencies"][0];
    let digest = packed["digest"].as_str().unwrap().trim_start_matches("sha256:");
    assert_eq!((&base["name"], &base["digest"]["sha256"]), (&json!("base"), &json!(digest)));
}

/// A public key that signed nothing.
const NOBODYS_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
";

/// Lets `breast-cancer` be served by an image that must be signed.
pub(crate) fn demand_signature(harbour: &Harbour, base: &str, key: &str) {
    let runtime = format!("runtime: {{ image: \"{base}\", port: 8080, signedBy: base.pub }}");
    harbour.edit("runtime: onnx", &runtime);
    demand_key(harbour, key);
}

fn demand_key(harbour: &Harbour, key: &str) {
    std::fs::write(harbour.file("base.pub"), key).unwrap();
}

#[test]
fn nothing_is_made_on_a_base_that_is_not_signed() {
    let harbour = Harbour::set_up();
    let packed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let base = packed["reference"].as_str().unwrap();
    demand_signature(&harbour, base, NOBODYS_KEY);
    for command in ["pack", "ship"] {
        let refused = harbour.run(&[command, "breast-cancer:2"]).expect_code(3);
        for said in ["verify-base", "is not signed", ".sig`", "`base.pub`", "cosign sign"] {
            assert!(refused.stderr.contains(said), "{}", refused.stderr);
        }
        assert!(!refused.stderr.contains("resolve "), "nothing was read: {}", refused.stderr);
    }
    std::fs::write(harbour.file("base.pub"), "-----BEGIN PRIVATE KEY-----").unwrap();
    harbour.run(&["pack", "breast-cancer:2"]).expect_code(2).expect_talk("expected the public one");
    std::fs::remove_file(harbour.file("base.pub")).unwrap();
    harbour.run(&["pack", "breast-cancer:2"]).expect_code(2).expect_talk("`signedBy`");
}

/// A registry that asks nobody who they are and has what cosign signed (`witness/cosign/`); the name of one of its images.
fn signed_base(harbour: &Harbour, tag: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness/cosign");
    let store = parsed(&std::fs::read_to_string(folder.join("store.json")).unwrap());
    let digest = store["tags"][tag].as_str().unwrap().to_owned();
    let answer = move |uri: axum::http::Uri| {
        let name = uri.path().rsplit('/').next().unwrap();
        let name = store["tags"][name].as_str().unwrap_or(name);
        let found = match (&store["manifests"][name], store["blobs"][name].as_str()) {
            // It keeps no list: that is under a tag.
            _ if uri.path().contains("/referrers/") => None,
            (_, Some(blob)) => Some(("application/octet-stream".to_owned(), STANDARD.decode(blob).unwrap())),
            (Value::Null, None) => None,
            (found, None) => {
                let text = |field: &str| found[field].as_str().unwrap().to_owned();
                Some((text("mediaType"), text("text").into_bytes()))
            }
        };
        let (status, (kind, bytes)) = match found {
            Some(found) => (axum::http::StatusCode::OK, found),
            None => (axum::http::StatusCode::NOT_FOUND, Default::default()),
        };
        async move { (status, [(axum::http::header::CONTENT_TYPE, kind)], bytes) }
    };
    let listener = harbour.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(answer);
    harbour.runtime.spawn(async move { axum::serve(listener, router).await });
    format!("{address}/base@{digest}")
}

#[test]
fn a_base_that_cosign_signed_is_built_on() {
    let harbour = Harbour::set_up();
    let base = signed_base(&harbour, "tagged");
    demand_signature(&harbour, &base, include_str!("../../../witness/cosign/other.pub"));
    harbour.run(&["pack", "breast-cancer:1"]).expect_code(3).expect_talk("made with another key");
    demand_key(&harbour, include_str!("../../../witness/cosign/ours.pub"));
    let packed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let documents = documents(&harbour, packed["reference"].as_str().unwrap());
    let (_, digest) = base.split_once("@sha256:").unwrap();
    let dependency = &documents[IN_TOTO]["predicate"]["buildDefinition"]["resolvedDependencies"][0];
    assert_eq!(dependency["digest"]["sha256"], digest);
}

const KEY: &str = "projects/harbour-sandbox/locations/europe-west4/keyRings/gangplank/cryptoKeys/images";

/// Lets a service account sign with the sandbox's key; its public half.
fn allow_signing(harbour: &Harbour, email: &str) -> String {
    let host = harbour.sandbox.addresses().cloud_kms;
    let (client, token) = (harbour.client(), harbour.google_log_in());
    let policy = json!({ "policy": { "bindings": [
        { "role": "roles/cloudkms.signer", "members": [format!("serviceAccount:{email}")] },
    ]}});
    let grant = client.post(format!("http://{host}/v1/{KEY}:setIamPolicy")).bearer_auth(&token).json(&policy);
    let (status, body) = harbour.send(grant);
    assert_eq!(status, 200, "{body}");
    let public =
        client.get(format!("http://{host}/v1/{KEY}/cryptoKeyVersions/1/publicKey")).bearer_auth(&token);
    let (status, body) = harbour.send(public);
    assert_eq!(status, 200, "{body}");
    parsed(&body)["pem"].as_str().unwrap().to_owned()
}

/// The version of the sandbox's key that signs.
fn version() -> String {
    format!("gcpkms://{KEY}/cryptoKeyVersions/1")
}

/// Lets the team sign, and the bridge file ask for it; the key's public half.
pub(crate) fn sign_everything(harbour: &Harbour) -> String {
    let email = format!("gp-oncology@{}.iam.gserviceaccount.com", sandbox::seed::PROJECT);
    let signing_key = format!("  repository: models\n  signingKey: {}\n", version());
    harbour.edit("  repository: models\n", &signing_key);
    allow_signing(harbour, &email)
}

/// What lies beside an image under its tag that ends so.
pub(crate) fn signed(harbour: &Harbour, image: &str, end: &str) -> Vec<Value> {
    let (_, digest) = image.split_once('@').unwrap();
    let tag = format!("{}.{end}", digest.replace(':', "-"));
    let manifest = parsed(&read(harbour, image, &format!("manifests/{tag}")));
    let layers = manifest["layers"].as_array().unwrap().iter();
    let blob = |layer: &Value| read(harbour, image, &format!("blobs/{}", layer["digest"].as_str().unwrap()));
    layers.map(|layer| parsed(&blob(layer))).collect()
}

#[test]
fn an_image_is_signed_by_a_key_that_stays_where_it_is_and_serves_as_a_signed_base() {
    let harbour = Harbour::set_up();
    let (words, key) = (["pack", "breast-cancer:1", "-o", "json", "--sign"], version());
    let refused = harbour.run(&[&words[..], &[&key]].concat()).expect_code(3);
    assert!(refused.stderr.contains("roles/cloudkms.signer"), "{}", refused.stderr);
    let pem = sign_everything(&harbour);
    let packed = harbour.run(&[&words[..], &[&key]].concat()).expect_code(0).json();
    assert_eq!(packed["referrers"].as_array().unwrap().len(), 4, "{packed}");
    let image = packed["reference"].as_str().unwrap();
    let name = &signed(&harbour, image, "sig")[0];
    let (place, _) = image.split_once('@').unwrap();
    assert_eq!(name["critical"]["identity"]["docker-reference"], place);
    crate::witness_provenance::assert_as_cosign_took_it(name);
    let envelopes = signed(&harbour, image, "att");
    crate::witness_provenance::assert_attested_as_cosign_took_it(&envelopes);
    for envelope in &envelopes {
        assert_sealed(envelope, &pem);
    }

    // By the bridge file now, and once more: there is one signature of each.
    harbour.run(&["ship", "breast-cancer:1"]).expect_code(0).expect_talk("sign ");
    assert_eq!((signed(&harbour, image, "sig").len(), signed(&harbour, image, "att").len()), (1, 2));

    // Nothing is said, and so nothing of it is signed.
    let bare =
        harbour.run(&["pack", "breast-cancer:2", "--no-provenance", "-o", "json"]).expect_code(0).json();
    assert_eq!(bare["referrers"].as_array().unwrap().len(), 1, "{bare}");

    demand_signature(&harbour, image, &pem);
    harbour.run(&["pack", "breast-cancer:2"]).expect_code(0).expect_talk("verify-base");
    let nonsense = harbour.run(&["pack", "breast-cancer:1", "--sign", "gcpkms://x"]).expect_code(2);
    assert!(nonsense.stderr.contains("names no version of a key"), "{}", nonsense.stderr);
}

/// Whether an envelope is signed with a key, as DSSE has it.
#[track_caller]
fn assert_sealed(envelope: &Value, pem: &str) {
    let decoded = |text: &Value| STANDARD.decode(text.as_str().unwrap()).unwrap();
    let statement = decoded(&envelope["payload"]);
    let head = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), statement.len());
    let signature = decoded(&envelope["signatures"][0]["sig"]);
    let public = oci::signature::PublicKey::parse(pem).unwrap();
    assert!(public.verifies(&[head.as_bytes(), &statement].concat(), &signature), "{envelope}");
}
