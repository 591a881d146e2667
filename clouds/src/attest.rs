//! What is said of an image, put beside it; what others signed, looked at; and images held by their digests.

use std::collections::BTreeMap;

use bridge::image::{Attested, PushedImage, Referrer, SignatureVerdict, Testimony, TrustedKey};
use bridge::port::{PortResult, Refused};
use bridge::signing_key::SigningKey;
use oci::attest::{BaseImage, File, Made, Model, attach, sbom, slsa};
use oci::progress::Progress;
use oci::reference::{Reference, Version};
use oci::signature::{self, Kept, Payload, PublicKey, Unsigned};
use oci::{Digest, Registry, RegistryError};

use crate::error;
use crate::google::kms;
use crate::images::{Images, invalid};

const SERVICE: &str = "image registry";

impl Images {
    /// The registry of an image, and the image by its digest: a tag may stand for another one a moment later.
    pub(crate) async fn pinned(&self, name: &str) -> PortResult<(Registry, Reference)> {
        let reference = Reference::parse(name).map_err(|problem| invalid(&problem))?;
        let registry = self.registry_of(&reference)?;
        let Version::Tag(tag) = &reference.version else { return Ok((registry, reference)) };
        let found = registry.manifest(&reference.repository, tag).await;
        let found = found.map_err(|refused| error::registry(SERVICE, &refused))?;
        let missing = || error::own(SERVICE, Refused::NotFound, format!("there is no image `{name}`"));
        let version = Version::Digest(found.ok_or_else(missing)?.digest);
        Ok((registry, Reference { version, ..reference }))
    }

    /// Signs an image with a key in Cloud KMS, and what is said of it, and puts the signatures beside it.
    pub(crate) async fn sign_with(
        &self,
        image: &PushedImage,
        testimony: Option<&Testimony>,
        key: &SigningKey,
        progress: &dyn Progress,
    ) -> PortResult<Vec<Referrer>> {
        let none = || error::own(kms::SERVICE, Refused::Invalid, "nobody signs here".to_owned());
        let kms = self.kms.as_ref().ok_or_else(none)?;
        let (registry, reference) = self.pinned(&image.reference).await?;
        let digest = Digest::parse(&image.digest).map_err(|problem| invalid(&problem))?;
        let mut signed = Vec::new();
        for payload in payloads((image, &digest), &reference, testimony, key)? {
            let signature = kms.sign(key, payload.hash()).await?;
            signed.push((payload, signature));
        }
        let kept = signature::put(&registry, &reference.repository, &digest, &signed, progress).await;
        let kept = kept.map_err(|failed| error::registry(SERVICE, &failed))?;
        let referrer = |one: Kept| Referrer {
            artifact_type: one.shelf.media_type().to_owned(),
            digest: one.digest.to_string(),
        };
        Ok(kept.into_iter().map(referrer).collect())
    }

    /// Whether an image is signed with a key.
    pub(crate) async fn signed_with(&self, image: &str, key: &TrustedKey) -> PortResult<SignatureVerdict> {
        let unusable = |problem| error::own(SERVICE, Refused::Invalid, format!("`{}`: {problem}", key.path));
        let key = PublicKey::parse(&key.pem).map_err(unusable)?;
        let (registry, reference) = self.pinned(image).await?;
        let digest = Digest::parse(reference.version.as_str()).map_err(|problem| invalid(&problem))?;
        match signature::demand(&registry, &reference.repository, &digest, &key).await {
            Ok(()) => Ok(SignatureVerdict::Signed),
            Err(Unsigned::Registry(failed)) => Err(error::registry(SERVICE, &failed)),
            Err(unsigned) => Ok(SignatureVerdict::Unsigned(unsigned.to_string())),
        }
    }

    /// Puts SBOM and provenance beside an image.
    pub(crate) async fn attested(
        &self,
        image: &PushedImage,
        testimony: &Testimony,
        progress: &dyn Progress,
    ) -> PortResult<Attested> {
        let reference = Reference::parse(&image.reference).map_err(|problem| invalid(&problem))?;
        let registry = self.registry_of(&reference)?;
        let made = made(image, &reference, testimony)?;
        let documents = [sbom::document(&made), slsa::document(&made)];
        let attached = attach(&registry, &reference.repository, &made.digest, &documents, progress).await;
        match attached {
            Ok(all) => Ok(Attested::There(
                all.into_iter()
                    .map(|one| Referrer {
                        artifact_type: one.kind.to_owned(),
                        digest: one.digest.to_string(),
                    })
                    .collect(),
            )),
            // A registry may say no in many ways, and answer anything where it knows no referrers.
            Err(failed) if !failed.is_transient() && !is_about_the_log_in(&failed) => {
                Ok(Attested::Refused(error::with_causes(&failed)))
            }
            Err(failed) => Err(error::registry(SERVICE, &failed)),
        }
    }
}

fn is_about_the_log_in(failed: &RegistryError) -> bool {
    matches!(failed, RegistryError::LogIn { .. })
        || failed.answer().is_some_and(|answer| answer.status == 401)
}

/// What is signed: that it is this image, and what is said of it.
fn payloads(
    (image, digest): (&PushedImage, &Digest),
    reference: &Reference,
    testimony: Option<&Testimony>,
    key: &SigningKey,
) -> PortResult<Vec<Payload>> {
    let name = format!("{}/{}", reference.host, reference.repository);
    let notes = BTreeMap::from([("key".to_owned(), key.to_string())]);
    let mut all = vec![Payload::name(&name, digest, &notes)];
    if let Some(testimony) = testimony {
        let made = made(image, reference, testimony)?;
        let statements = [sbom::statement(&made), slsa::statement(&made)];
        all.extend(statements.map(|statement| Payload::Statement { statement, signer: key.to_string() }));
    }
    Ok(all)
}

fn made(image: &PushedImage, reference: &Reference, testimony: &Testimony) -> PortResult<Made> {
    let digest = |text: &str| Digest::parse(text).map_err(|problem| invalid(&problem));
    let files = image.contents.files.iter();
    let files = files.map(|file| Ok(File { path: file.path.clone(), digest: digest(&file.digest)? }));
    Ok(Made {
        name: format!("{}/{}", reference.host, reference.repository),
        digest: digest(&image.digest)?,
        model: Model {
            name: testimony.model.clone(),
            version: testimony.version.clone(),
            uri: testimony.uri.clone(),
            root: testimony.root.to_owned(),
            notes: testimony.notes.clone(),
        },
        files: files.collect::<PortResult<_>>()?,
        base: image.contents.base.as_deref().map(base).transpose()?,
        parameters: testimony.parameters.clone(),
    })
}

fn base(name: &str) -> PortResult<BaseImage> {
    let reference = Reference::parse(name).map_err(|problem| invalid(&problem))?;
    let Version::Digest(digest) = reference.version else {
        let problem = format!("the base `{name}` is not named by its digest");
        return Err(error::own(SERVICE, Refused::Invalid, problem));
    };
    Ok(BaseImage { name: format!("{}/{}", reference.host, reference.repository), digest })
}
