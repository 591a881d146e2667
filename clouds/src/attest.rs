//! What is said of an image, put beside it; what others signed, looked at; and images held by their digests.

use std::collections::BTreeMap;

use bridge::image::{Attested, PushedImage, Referrer, SignatureVerdict, Testimony, TrustedKey};
use bridge::port::{PortResult, Refused};
use bridge::signing_key::SigningKey;
use oci::attest::{BaseImage, File, Made, Model, attach, sbom, slsa};
use oci::progress::Progress;
use oci::reference::{Reference, Version};
use oci::signature::{self, Payload, PublicKey, Unsigned};
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

    /// Signs an image with a key in Cloud KMS, and puts the signature beside it.
    pub(crate) async fn sign_with(
        &self,
        image: &PushedImage,
        key: &SigningKey,
        progress: &dyn Progress,
    ) -> PortResult<Referrer> {
        let none = || error::own(kms::SERVICE, Refused::Invalid, "nobody signs here".to_owned());
        let kms = self.kms.as_ref().ok_or_else(none)?;
        let (registry, reference) = self.pinned(&image.reference).await?;
        let digest = Digest::parse(&image.digest).map_err(|problem| invalid(&problem))?;
        let name = format!("{}/{}", reference.host, reference.repository);
        let notes = BTreeMap::from([("key".to_owned(), key.to_string())]);
        let payload = Payload::of(&name, &digest, &notes);
        let signature = kms.sign(key, payload.hash()).await?;
        let put = signature::put(&registry, &reference.repository, &digest, (&payload, &signature), progress);
        let put = put.await.map_err(|failed| error::registry(SERVICE, &failed))?;
        Ok(Referrer { artifact_type: signature::MEDIA_TYPE.to_owned(), digest: put.to_string() })
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
