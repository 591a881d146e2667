//! Documents beside an image: by the registry's list or by the tag that stands for it, once, and refused by some.

use std::collections::BTreeMap;

use oci::attest::{Made, Model, attach, sbom, slsa};
use oci::{Digest, RegistryError};
use serde_json::{Value, json};

use crate::fake::{Fake, Told};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn image(fake: &Fake) -> Digest {
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "layers": [] }).to_string();
    fake.put_manifest("o/app:1", MANIFEST, manifest.as_bytes())
}

fn made(digest: &Digest) -> Made {
    Made {
        name: "r.example/o/app".to_owned(),
        digest: digest.clone(),
        model: Model {
            name: "m".to_owned(),
            version: "1".to_owned(),
            uri: "cellar:/m/1".to_owned(),
            root: "/models".to_owned(),
            notes: BTreeMap::new(),
        },
        files: Vec::new(),
        base: None,
        parameters: BTreeMap::new(),
    }
}

async fn put(fake: &Fake, image: &Digest) -> Result<Vec<Digest>, RegistryError> {
    let made = made(image);
    let documents = [sbom::document(&made), slsa::document(&made)];
    let attached = attach(&fake.client(), "o/app", image, &documents, &Told::default()).await?;
    Ok(attached.into_iter().map(|one| one.digest).collect())
}

fn kept(fake: &Fake, name: &str) -> Value {
    serde_json::from_slice(&fake.world.lock().unwrap().manifests[name].1).unwrap()
}

#[tokio::test]
async fn documents_name_the_image_and_are_listed_under_its_tag_where_the_registry_keeps_no_list() {
    let fake = Fake::start().await;
    let image = image(&fake);
    let put_there = put(&fake, &image).await.unwrap();
    let tag = format!("o/app:{}", image.as_str().replace(':', "-"));
    let index = kept(&fake, &tag);
    let listed: Vec<_> = index["manifests"].as_array().unwrap().iter().collect();
    assert_eq!(listed.len(), 2);
    for (listed, digest) in listed.iter().zip(&put_there) {
        assert_eq!(listed["digest"], digest.as_str());
        let manifest = kept(&fake, &format!("o/app:{digest}"));
        assert_eq!(manifest["subject"]["digest"], image.as_str());
        assert_eq!(manifest["artifactType"], listed["artifactType"]);
        assert!(fake.has(&Digest::parse(manifest["layers"][0]["digest"].as_str().unwrap()).unwrap()));
        assert!(fake.has(&Digest::parse(manifest["config"]["digest"].as_str().unwrap()).unwrap()));
    }
    assert_eq!(listed[1]["annotations"]["in-toto.io/predicate-type"], slsa::PREDICATE);
}

#[tokio::test]
async fn a_registry_that_keeps_the_list_gets_no_tag() {
    let fake = Fake::start().await;
    fake.world.lock().unwrap().lists_referrers = true;
    let image = image(&fake);
    put(&fake, &image).await.unwrap();
    assert_eq!(fake.count("PUT manifest"), 2);
}

#[tokio::test]
async fn what_is_there_is_not_sent_again() {
    for lists_referrers in [false, true] {
        let fake = Fake::start().await;
        fake.world.lock().unwrap().lists_referrers = lists_referrers;
        let image = image(&fake);
        let first = put(&fake, &image).await.unwrap();
        let before = (fake.count("PUT"), fake.count("POST"));
        assert_eq!(put(&fake, &image).await.unwrap(), first);
        assert_eq!((fake.count("PUT"), fake.count("POST")), before);
    }
}

#[tokio::test]
async fn a_registry_that_takes_no_such_manifest_is_heard() {
    let fake = Fake::start().await;
    let image = image(&fake);
    fake.world.lock().unwrap().refuses_manifests = true;
    assert!(matches!(put(&fake, &image).await, Err(RegistryError::Refused { .. })));
    // And one that does not have the image at all.
    let error = put(&fake, &Digest::of(b"other")).await.unwrap_err();
    assert!(error.to_string().contains("does not have it"), "{error}");
}

#[tokio::test]
async fn a_tag_that_is_no_list_is_left_alone() {
    let fake = Fake::start().await;
    let image = image(&fake);
    let tag = format!("o/app:{}", image.as_str().replace(':', "-"));
    fake.put_manifest(&tag, MANIFEST, b"{}");
    assert!(put(&fake, &image).await.is_err());
    assert_eq!(kept(&fake, &tag), json!({}));
}
