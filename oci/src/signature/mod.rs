//! Signatures of images as cosign makes them: found beside an image and held against a key ([`demand`]), or put there, with those of
//! statements about it ([`put`]).
//!
//! Two places are looked at: the tag that cosign's second version makes of the image's digest ([`simple`]), and the manifests that
//! name the image as their subject, where its third version puts a bundle ([`bundle`]). One signature by the key is enough. What
//! counts is the image's digest; the name that a signature carries is not looked at, so that a copy is as good as the original, as
//! `cosign verify` has it.

mod bundle;
mod envelope;
mod key;
mod make;
mod simple;

use oci_spec::image::{Descriptor, ImageManifest};

pub use self::key::{MalformedKey, PublicKey};
pub use self::make::{Kept, Payload, Shelf, put};
use crate::digest::Digest;
use crate::registry::{Found, Referrers, Registry, RegistryError};

/// So many signatures of each kind are looked at.
const MOST: usize = 32;
/// No signed text is larger.
const LARGEST: u64 = 256 << 10;

/// Why an image does not count as signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsigned {
    /// The registry failed us.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// There is no signature at all.
    #[error(
        "`{image}` is not signed: there is no tag `{tag}` beside it, and no bundle refers to it; expected a signature by the key \
         {key}"
    )]
    Missing {
        /// The image.
        image: String,
        /// Where cosign's second version would have put a signature.
        tag: String,
        /// Fingerprint of the key.
        key: String,
    },
    /// There are signatures, and none will do.
    #[error("`{image}` is not signed by the key {key}; of the signatures beside it {flaws}")]
    Wrong {
        /// The image.
        image: String,
        /// Fingerprint of the key.
        key: String,
        /// What is wrong with each.
        flaws: String,
    },
}

/// Why one signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Flaw {
    #[error("was made with another key, or changed since")]
    OtherKey,
    #[error("is of another image, {0}")]
    OtherImage(String),
    #[error("is a statement about the image, `{0}`, and no signature of it")]
    OtherStatement(String),
    #[error("cannot be read: {0}")]
    Malformed(String),
}

/// Succeeds if the image is signed with the key.
pub async fn demand(
    registry: &Registry,
    repository: &str,
    image: &Digest,
    key: &PublicKey,
) -> Result<(), Unsigned> {
    let place = Place { registry, repository, image, key };
    let mut flaws = Vec::new();
    for look in [place.tagged().await?, place.bundled().await?] {
        match look {
            Look::Signed => return Ok(()),
            Look::Flawed(more) => flaws.extend(more),
        }
    }
    let (name, key) = (format!("{}/{repository}@{image}", registry.host()), key.fingerprint());
    if flaws.is_empty() {
        return Err(Unsigned::Missing { image: name, tag: Shelf::Signatures.tag(image), key });
    }
    let flaws: Vec<String> =
        flaws.iter().enumerate().map(|(at, flaw)| format!("number {} {flaw}", at + 1)).collect();
    Err(Unsigned::Wrong { image: name, key, flaws: flaws.join("; ") })
}

/// What looking at one place came to.
enum Look {
    Signed,
    Flawed(Vec<Flaw>),
}

struct Place<'a> {
    registry: &'a Registry,
    repository: &'a str,
    image: &'a Digest,
    key: &'a PublicKey,
}

impl Place<'_> {
    /// The signatures under the tag.
    async fn tagged(&self) -> Result<Look, RegistryError> {
        let Some(found) = self.registry.manifest(self.repository, &Shelf::Signatures.tag(self.image)).await?
        else {
            return Ok(Look::Flawed(Vec::new()));
        };
        let layers = match layers(&found) {
            Ok(layers) => layers,
            Err(flaw) => return Ok(Look::Flawed(vec![flaw])),
        };
        let mut flaws = Vec::new();
        for layer in layers.iter().filter(|layer| simple::is_signature(layer)).take(MOST) {
            let checked = match self.blob(layer).await? {
                Ok(payload) => simple::check(layer, &payload, self.image, self.key),
                Err(flaw) => Err(flaw),
            };
            match checked {
                Ok(()) => return Ok(Look::Signed),
                Err(flaw) => flaws.push(flaw),
            }
        }
        Ok(Look::Flawed(flaws))
    }

    /// The bundles that refer to the image.
    async fn bundled(&self) -> Result<Look, RegistryError> {
        let listed = match self.registry.referrers(self.repository, self.image).await? {
            Referrers::Listed(all) => all,
            Referrers::Unsupported => self.registry.referrers_by_tag(self.repository, self.image).await?,
        };
        let mut flaws = Vec::new();
        for descriptor in listed.iter().filter(|descriptor| bundle::may_be(descriptor)).take(MOST) {
            match self.bundle(descriptor).await? {
                None => {}
                Some(Ok(())) => return Ok(Look::Signed),
                Some(Err(flaw)) => flaws.push(flaw),
            }
        }
        Ok(Look::Flawed(flaws))
    }

    /// What a bundle is worth; `None` if it is none.
    async fn bundle(&self, descriptor: &Descriptor) -> Result<Option<Result<(), Flaw>>, RegistryError> {
        let found = self.registry.manifest(self.repository, descriptor.digest().as_ref()).await?;
        let Some(found) = found else {
            return Ok(Some(Err(Flaw::Malformed("it is listed and not there".to_owned()))));
        };
        let layers = match layers(&found) {
            Ok(layers) => layers,
            Err(flaw) => return Ok(Some(Err(flaw))),
        };
        let Some(layer) = layers.first().filter(|layer| bundle::is_bundle(layer)) else { return Ok(None) };
        Ok(Some(match self.blob(layer).await? {
            Ok(bytes) => bundle::check(&bytes, self.image, self.key),
            Err(flaw) => Err(flaw),
        }))
    }

    async fn blob(&self, layer: &Descriptor) -> Result<Result<bytes::Bytes, Flaw>, RegistryError> {
        let malformed = |problem: String| Ok(Err(Flaw::Malformed(problem)));
        if layer.size() > LARGEST {
            return malformed(format!("it has {} bytes, expected {LARGEST} at most", layer.size()));
        }
        let digest = match Digest::parse(layer.digest().as_ref()) {
            Ok(digest) => digest,
            Err(problem) => return malformed(problem.to_string()),
        };
        match self.registry.small_blob(self.repository, &digest, layer.size()).await {
            Ok(bytes) => Ok(Ok(bytes)),
            Err(failed) if failed.is_transient() => Err(failed),
            Err(failed) => malformed(failed.to_string()),
        }
    }
}

fn layers(found: &Found) -> Result<Vec<Descriptor>, Flaw> {
    let manifest = serde_json::from_slice::<ImageManifest>(&found.bytes);
    manifest
        .map(|manifest| manifest.layers().clone())
        .map_err(|problem| Flaw::Malformed(format!("its manifest {}: {problem}", found.digest)))
}
