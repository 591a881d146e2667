//! What the acts need of the world, as traits. `clouds` implements them against the services, tests against fakes.
//!
//! The errors of every port are one type, [`PortError`], that answers the two questions an act has: will trying again
//! help, and whose "no" was it. All sizes are bytes, all times are UTC.

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use serde_json::Value;

use crate::image::{
    Attested, ImageFacts, ImagePlan, PushedImage, Referrer, SignatureVerdict, Testimony, TrustedKey,
};
use crate::inventory::{Facts, Inventory};
use crate::plan::{Change, Missing, Need, Outputs};
use crate::resource::Resource;
use crate::signing_key::SigningKey;
use crate::spec::Bridge;

/// The result of asking the world.
pub type PortResult<T> = Result<T, PortError>;

/// A stream of bytes read from the world; ends early with the error that cut it.
pub type ByteStream = Pin<Box<dyn Stream<Item = PortResult<Bytes>> + Send>>;

/// Why the world did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{service}: {message}")]
pub struct PortError {
    /// The service that answered, as its users call it: `Azure ML`, `Google STS`, `Artifact Registry`, `Kubernetes`, …
    pub service: &'static str,
    /// What kind of "no" it was.
    pub kind: Refused,
    /// The HTTP status, where there was an answer at all.
    pub status: Option<u16>,
    /// The service's own error code (`AADSTS700212`, `invalid_grant`, `IAM_PERMISSION_DENIED`, …), where it gave one.
    pub code: Option<String>,
    /// The service's own words, or ours where it gave none. Never holds a token.
    pub message: String,
    /// How long the service asked us to wait.
    pub retry_after: Option<Duration>,
}

/// The kinds of refusal an act distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No such thing.
    NotFound,
    /// Known caller, not allowed.
    Denied,
    /// The credential itself was not accepted (expired, malformed, wrong audience, no log-in at all).
    Unauthenticated,
    /// The thing exists already, or changed under us (etag, resource version).
    Conflict,
    /// The request is wrong and will stay wrong.
    Invalid,
    /// Too many requests; see `retry_after`.
    Throttled,
    /// The service or the network failed; trying again may help.
    Unavailable,
}

impl PortError {
    /// What an implementation of a port does not do.
    pub(crate) fn unsupported(service: &'static str, message: &str) -> Self {
        let message = message.to_owned();
        Self { service, kind: Refused::Invalid, status: None, code: None, message, retry_after: None }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, Refused::Throttled | Refused::Unavailable)
    }
}

/// Sleeping and telling the time, so that the acts need neither a runtime nor a clock.
pub trait Time: Send + Sync {
    /// The current time.
    fn now(&self) -> jiff::Timestamp;
    /// Returns after `length`.
    fn sleep(&self, length: Duration) -> impl Future<Output = ()> + Send;
}

/// Where models live: Azure ML.
pub trait ModelSource: Send + Sync {
    /// The names of all models in the workspace, sorted.
    fn models(&self) -> impl Future<Output = PortResult<Vec<String>>> + Send;
    /// Every version of one model that is not archived, newest first.
    fn versions(&self, model: &str) -> impl Future<Output = PortResult<Vec<ModelVersion>>> + Send;
    /// One version.
    fn version(&self, model: &str, version: &str) -> impl Future<Output = PortResult<ModelVersion>> + Send;
    /// The files of one version in path order. Paths are relative to the version's root, `/`-separated, as the store
    /// gives them: not yet checked for `..`.
    fn files(&self, version: &ModelVersion) -> impl Future<Output = PortResult<Vec<ModelFile>>> + Send;
    /// One version of an environment: the image that Azure ML built.
    fn environment(&self, name: &str, version: &str) -> impl Future<Output = PortResult<Environment>> + Send {
        let named = format!("{name}:{version}");
        async move {
            Err(PortError::unsupported("Azure ML", &format!("no environment `{named}` can be read here")))
        }
    }
    /// The bytes of one file in `range`, which ends at the file's size or before. Fails with [`Refused::Conflict`] if the
    /// file is no longer the one listed (its etag changed).
    fn read(
        &self,
        file: &ModelFile,
        range: Range<u64>,
    ) -> impl Future<Output = PortResult<ByteStream>> + Send;
}

/// One version of an Azure ML environment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Environment {
    /// Its image, `HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@sha256:…`.
    pub image: String,
    /// The port of its inference server, where the environment says one.
    pub port: Option<u16>,
}

/// One version of an Azure ML model.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ModelVersion {
    /// The model's name, as Azure ML has it (capitals and underscores allowed).
    pub name: String,
    /// The version, mostly a number but any string is legal.
    pub version: String,
    /// The ARM id of the version.
    pub asset_id: String,
    /// `custom_model`, `mlflow_model` or `triton_model`.
    pub model_type: String,
    /// The `azureml://…` or `https://…` place of the files.
    pub uri: String,
    /// Azure ML's tags.
    pub tags: BTreeMap<String, String>,
    /// When the version was registered.
    pub created: Option<jiff::Timestamp>,
    /// The workspace it came from.
    pub workspace: String,
    /// Where the model comes from, as far as the version tells.
    pub origin: Origin,
}

/// Where a model comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// The job that registered it.
    pub job: Option<String>,
    /// The ids of the datasets it was trained on.
    pub datasets: Vec<String>,
    /// Azure ML's properties, which whoever registers a version may set once.
    pub properties: BTreeMap<String, String>,
}

/// One file of a model version.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ModelFile {
    /// Relative path inside the version.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// The store's etag.
    pub etag: String,
    /// The blob's full URL, without any query.
    pub url: String,
}

/// Where images go: an OCI registry.
pub trait ImageStore: Send + Sync {
    /// What a tag or digest names, or `None` if the registry has no such image.
    fn find(
        &self,
        repository: &str,
        reference: &str,
    ) -> impl Future<Output = PortResult<Option<ImageFacts>>> + Send;
    /// Assembles and pushes the image: base layers mounted or copied, model layers streamed from `source`, the manifest
    /// last. Blobs that are there already are not sent again. The same plan gives the same digest.
    fn push<S: ModelSource, W: Watch>(
        &self,
        plan: &ImagePlan,
        source: &S,
        watch: &W,
    ) -> impl Future<Output = PortResult<PushedImage>> + Send;
    /// Copies an image from another registry, byte for byte, to `repository` under `tag`. A tag that names another image
    /// already is a [`Refused::Conflict`].
    fn copy<W: Watch>(
        &self,
        image: &str,
        repository: &str,
        tag: &str,
        _watch: &W,
    ) -> impl Future<Output = PortResult<PushedImage>> + Send {
        let what = format!("`{image}` cannot be copied to `{repository}:{tag}` here");
        async move { Err(PortError::unsupported("registry", &what)) }
    }
    /// Whether an image, anywhere, is signed with a key.
    fn signed(
        &self,
        image: &str,
        _key: &TrustedKey,
    ) -> impl Future<Output = PortResult<SignatureVerdict>> + Send {
        let what = format!("signatures of `{image}` cannot be looked at here");
        async move { Err(PortError::unsupported("registry", &what)) }
    }
    /// Signs an image that was just pushed with a key in Cloud KMS, and what is said of it, where something is, and puts the
    /// signatures beside it.
    fn sign<W: Watch>(
        &self,
        image: &PushedImage,
        _testimony: Option<&Testimony>,
        key: &SigningKey,
        _watch: &W,
    ) -> impl Future<Output = PortResult<Vec<Referrer>>> + Send {
        let what = format!("`{}` cannot be signed with `{key}` here", image.reference);
        async move { Err(PortError::unsupported("Cloud KMS", &what)) }
    }
    /// Puts an SBOM and a provenance beside an image that was just pushed. The same image and testimony give the same documents;
    /// those that are there already are not sent again.
    fn attest<W: Watch>(
        &self,
        image: &PushedImage,
        _testimony: &Testimony,
        _watch: &W,
    ) -> impl Future<Output = PortResult<Attested>> + Send {
        let what = format!("nothing can be put beside `{}` here", image.reference);
        async move { Err(PortError::unsupported("registry", &what)) }
    }
}

/// The cluster, as one team's caller sees it.
pub trait Cluster: Send + Sync {
    /// Server-side apply with our field manager. Returns the object as stored.
    fn apply(&self, object: &Value) -> impl Future<Output = PortResult<Value>> + Send;
    /// One object, or `None`.
    fn get(&self, key: &ObjectKey) -> impl Future<Output = PortResult<Option<Value>>> + Send;
    /// All objects of one kind in a namespace that carry every label of `labels`.
    fn list(
        &self,
        kind: &ObjectKind,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> impl Future<Output = PortResult<Vec<Value>>> + Send;
    /// Deletes one object with foreground propagation; fine if it is gone already.
    fn delete(&self, key: &ObjectKey) -> impl Future<Output = PortResult<()>> + Send;
    /// Sends a request to a Service through the API server's proxy: `POST` with a body, `GET` without.
    /// `service` is `NAME:PORTNAME`.
    fn through_proxy(
        &self,
        namespace: &str,
        service: &str,
        path: &str,
        body: Option<Bytes>,
    ) -> impl Future<Output = PortResult<ProxyReply>> + Send;
}

/// What a Service behind the API server's proxy answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyReply {
    /// HTTP status of the service.
    pub status: u16,
    /// Body of the answer.
    pub body: Bytes,
}

/// A kind of Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ObjectKind {
    /// `v1`, `apps/v1`, …
    pub api_version: String,
    /// `Deployment`, …
    pub kind: String,
}

/// Names one Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ObjectKey {
    /// Which kind.
    pub kind: ObjectKind,
    /// The namespace; `None` for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// Setting up both clouds, with an administrator's own log-ins.
pub trait SetUp: Send + Sync {
    /// The facts that a bridge's wishes depend on: project number, principals' object ids, datastore, node identity.
    fn facts(&self, bridge: &Bridge) -> impl Future<Output = PortResult<Facts>> + Send;
    /// The live state of each wanted resource, and everything else on both clouds that carries our mark.
    fn observe(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        wanted: &[Resource],
    ) -> impl Future<Output = PortResult<Inventory>> + Send;
    /// The needs that the administrator's log-ins do not meet.
    fn missing(
        &self,
        bridge: &Bridge,
        needs: &[Need],
    ) -> impl Future<Output = PortResult<Vec<Missing>>> + Send;
    /// Makes one change. Idempotent: making it twice is making it once. Puts what later changes wait for
    /// (an application's id) into `outputs`.
    fn perform(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        change: &Change,
        outputs: &mut Outputs,
    ) -> impl Future<Output = PortResult<()>> + Send;
}

/// Told what is going on while an act runs. Implementations draw, log, or do nothing.
pub trait Watch: Send + Sync {
    /// One thing happened.
    fn event(&self, event: Event);
}

/// What an act tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A named step began (`verify-base`, `resolve`, `list-files`, `push`, `attest`, `sign`, `render`, `apply`, `roll-out`, `score`, `record`; for set-up
    /// the change's own words).
    Step {
        /// The step's name.
        name: String,
        /// One line for people.
        detail: String,
    },
    /// Some bytes of a layer went over the wire.
    Bytes {
        /// What moves: a file name or a base layer's digest.
        what: String,
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A layer needed no sending.
    Skipped {
        /// What was not sent.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// `present` or `mounted`.
        why: &'static str,
    },
    /// How far a rollout is.
    Rollout {
        /// New pods that are ready.
        ready: u32,
        /// Pods wanted.
        wanted: u32,
        /// Why it waits, in Kubernetes' words, where it says.
        waiting: Option<String>,
    },
    /// Something failed and is tried again.
    Retry {
        /// What is tried again.
        what: String,
        /// Why.
        why: String,
    },
    /// Something is not as it was wished, and the act goes on.
    Notice {
        /// What.
        text: String,
    },
}
