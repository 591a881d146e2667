//! What refers to an image: signatures, SBOMs, attestations. They are manifests that name the image as their subject, found
//! by the registry's referrers API or, where it has none, under the tag that the distribution specification gives it; and
//! cosign's older tags `sha256-….sig`, `.att`, `.sbom`.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-referrers>

use std::collections::BTreeSet;

use oci_spec::image::Descriptor;

use super::tree::{self, Node};
use super::{CopyError, Destination, Origin, Platforms, Tally, manifests};
use crate::digest::Digest;
use crate::progress::Progress;
use crate::registry::{Referrers, RegistryError, fallback_tag};

/// So many tags of the origin's repository are looked through.
const TAGS: usize = 10_000;
/// Cosign's tags of one image end so.
const COSIGN: [&str; 3] = [".sig", ".att", ".sbom"];
/// A signature of an attestation of an image; nothing refers deeper.
const DEEPEST: usize = 3;

/// Copies everything that refers to one of `subjects`; how many manifests, and their blobs.
pub(super) async fn copy(
    origin: Origin<'_>,
    destination: Destination<'_>,
    subjects: &[Digest],
    window: usize,
    progress: &dyn Progress,
) -> Result<(usize, Tally), CopyError> {
    let tags = tags(origin).await?;
    let mut courier = Courier {
        origin,
        destination,
        window,
        progress,
        tags,
        seen: BTreeSet::new(),
        tally: Tally::default(),
    };
    for subject in subjects {
        courier.refer_to(subject.clone()).await?;
    }
    Ok((courier.seen.len(), courier.tally))
}

struct Courier<'a> {
    origin: Origin<'a>,
    destination: Destination<'a>,
    window: usize,
    progress: &'a dyn Progress,
    /// The tags of the origin's repository; none where it does not list them.
    tags: BTreeSet<String>,
    seen: BTreeSet<Digest>,
    tally: Tally,
}

impl Courier<'_> {
    /// Brings over what refers to a manifest, and what refers to that in turn.
    async fn refer_to(&mut self, subject: Digest) -> Result<(), CopyError> {
        let mut wave = vec![subject];
        for _ in 0..DEEPEST {
            let mut next = Vec::new();
            for subject in wave {
                next.extend(self.at_once(&subject).await?);
            }
            wave = next;
        }
        Ok(())
    }

    /// Brings over what refers to `subject` itself and was not seen yet.
    async fn at_once(&mut self, subject: &Digest) -> Result<Vec<Digest>, CopyError> {
        self.tagged(subject).await?;
        let mut new = Vec::new();
        for descriptor in self.listed(subject).await? {
            let digest = tree::digest_of(self.origin, &descriptor)?;
            if self.seen.insert(digest.clone()) {
                self.one(subject, &descriptor, &digest).await?;
                new.push(digest);
            }
        }
        Ok(new)
    }

    /// The manifests that name `subject` as theirs.
    async fn listed(&self, subject: &Digest) -> Result<Vec<Descriptor>, CopyError> {
        let Origin { registry, repository, .. } = self.origin;
        if let Referrers::Listed(all) = registry.referrers(repository, subject).await? {
            return Ok(all);
        }
        let tag = fallback_tag(subject);
        if !self.tags.contains(&tag) {
            return Ok(Vec::new());
        }
        Ok(registry.referrers_by_tag(repository, subject).await?)
    }

    async fn one(
        &mut self,
        subject: &Digest,
        descriptor: &Descriptor,
        digest: &Digest,
    ) -> Result<(), CopyError> {
        let node = self.node(digest.as_str()).await?;
        let destination = Destination { tag: digest.as_str(), ..self.destination };
        self.put(destination, &node).await?;
        let Destination { registry, repository, .. } = self.destination;
        let listing = serde_json::to_value(descriptor).map_err(|error| CopyError::Malformed {
            image: subject.to_string(),
            problem: error.to_string(),
        })?;
        Ok(registry.list_referrer(repository, subject, listing).await?)
    }

    /// Cosign's older way: the signature of an image is an image under a tag made of its digest.
    async fn tagged(&mut self, subject: &Digest) -> Result<(), CopyError> {
        for ending in COSIGN {
            let tag = format!("{}{ending}", fallback_tag(subject));
            if self.tags.contains(&tag) {
                let node = self.node(&tag).await?;
                self.put(Destination { tag: &tag, ..self.destination }, &node).await?;
                self.seen.insert(node.found.digest);
            }
        }
        Ok(())
    }

    async fn node(&self, version: &str) -> Result<Node, CopyError> {
        let origin = Origin { version, ..self.origin };
        tree::read(origin, tree::root(origin, &Platforms::All).await?).await
    }

    async fn put(&mut self, destination: Destination<'_>, node: &Node) -> Result<(), CopyError> {
        self.tally +=
            manifests::copy(self.origin, destination, node, None, self.window, self.progress).await?;
        Ok(())
    }
}

async fn tags(origin: Origin<'_>) -> Result<BTreeSet<String>, CopyError> {
    match origin.registry.tags(origin.repository, TAGS).await {
        Err(RegistryError::Refused { answer, .. }) if !answer.is_transient() => Ok(BTreeSet::new()),
        other => Ok(other?.into_iter().collect()),
    }
}
