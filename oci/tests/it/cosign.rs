//! What cosign signed, and what it says of it (`witness/cosign/`): read by us, the verdicts are the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci::Digest;
use oci::signature::{PublicKey, Unsigned, demand};
use serde_json::Value;

use crate::fake::Fake;

/// Where we are stricter on purpose: cosign takes any statement by the key about the image for a signature, also an attestation.
const STRICTER: [&str; 1] = ["attested ours"];

fn recorded(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness/cosign");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A registry with all that cosign and its images left in one.
async fn registry(store: &Value) -> Fake {
    let fake = Fake::start().await;
    for blob in store["blobs"].as_object().unwrap().values() {
        fake.put_blob(&STANDARD.decode(blob.as_str().unwrap()).unwrap());
    }
    let manifests = store["manifests"].as_object().unwrap();
    let tags = store["tags"].as_object().unwrap().iter().map(|(tag, digest)| (tag, digest.as_str().unwrap()));
    for (name, digest) in tags.chain(manifests.keys().map(|digest| (digest, digest.as_str()))) {
        let (kind, text) = (&manifests[digest]["mediaType"], &manifests[digest]["text"]);
        let put = fake.put_manifest(
            &format!("base:{name}"),
            kind.as_str().unwrap(),
            text.as_str().unwrap().as_bytes(),
        );
        assert_eq!(put.as_str(), digest);
    }
    fake
}

#[tokio::test]
async fn our_verdicts_are_cosigns() {
    let store: Value = serde_json::from_str(&recorded("store.json")).unwrap();
    let fake = registry(&store).await;
    let verdicts = recorded("verdicts.txt");
    let mut asked = 0;
    for line in verdicts.lines().skip(1) {
        let (question, theirs) = line.rsplit_once(' ').unwrap();
        let (image, key) = question.split_once(' ').unwrap();
        let image = Digest::parse(store["tags"][image].as_str().unwrap()).unwrap();
        let key = PublicKey::parse(&recorded(&format!("{key}.pub"))).unwrap();
        let ours = match demand(&fake.client(), "base", &image, &key).await {
            Ok(()) => true,
            Err(Unsigned::Registry(failed)) => panic!("{failed}"),
            Err(_) => false,
        };
        let theirs = theirs == "true" && !STRICTER.contains(&question);
        assert_eq!(ours, theirs, "{question}");
        asked += 1;
    }
    assert!(asked >= 16, "{asked}");
}
