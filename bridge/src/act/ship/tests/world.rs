//! A world of fakes that keeps what is put into it, moves only when the clock does, and can fail or lie on demand.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::image::{
    Attested, ImageFacts, ImagePlan, PushedImage, Referrer, SignatureVerdict, Testimony, TrustedKey,
};
use crate::manifest::fixture;
use crate::port::{
    ByteStream, Cluster, Event, ImageStore, ModelFile, ModelSource, ModelVersion, ObjectKey, ObjectKind,
    PortError, PortResult, ProxyReply, Refused, Time, Watch,
};
use crate::resource::KubernetesObject;
use crate::signing_key::SigningKey;

/// When a call is cut: as by a kill before the service heard it, or after it did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Before(usize),
    After(usize),
}

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) ready: bool,
}

/// Everything in the world, and how it misbehaves.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) versions: Vec<ModelVersion>,
    pub(super) files: Vec<ModelFile>,
    /// What every file holds; pushing reads none.
    pub(super) text: &'static str,
    pub(super) images: BTreeMap<(String, String), ImageFacts>,
    pub(super) objects: BTreeMap<ObjectKey, Value>,
    pub(super) pods: Vec<Pod>,
    pub(super) events: Vec<Event>,
    pub(super) slept: Vec<Duration>,
    pub(super) seconds: i64,
    pub(super) calls: usize,
    pub(super) cut: Option<Cut>,
    /// Errors to answer calls of this name with, first in, first out.
    pub(super) failures: Vec<(&'static str, PortError)>,
    /// Answers of the proxy, first in, first out; then 200.
    pub(super) answers: Vec<ProxyReply>,
    /// Pods of this image never become ready, and say this.
    pub(super) stuck: Option<(String, Value)>,
    /// Warning events in the cluster.
    pub(super) warnings: Vec<Value>,
    /// What another hand puts in the place of the Deployment's image once the rollout has begun.
    pub(super) other_hand: Option<String>,
    /// What another run writes over the record just before our first write to it.
    pub(super) meanwhile: Option<Value>,
    /// Requests that reached the proxy: path and whether there was a body.
    pub(super) asked: Vec<(String, bool)>,
    /// How many pods answered, at every tick.
    pub(super) serving: Vec<usize>,
    /// Keys that images were signed with, and what was signed of them beside.
    pub(super) signatures: Vec<(String, Option<Testimony>)>,
    /// Images, and the text of the key that each is signed with.
    pub(super) signed: Vec<(String, String)>,
    /// What was put beside images.
    pub(super) attested: Vec<(String, Testimony)>,
    /// The registry takes no such thing.
    pub(super) takes_no_referrers: bool,
}

#[derive(Debug, Default)]
pub(super) struct World(pub(super) Mutex<State>);

pub(super) fn refusal(kind: Refused, message: &str) -> PortError {
    PortError {
        service: "Fake",
        kind,
        status: None,
        code: None,
        message: message.to_owned(),
        retry_after: None,
    }
}

impl World {
    pub(super) fn new() -> Self {
        let state = State {
            versions: vec![fixture::version()],
            files: vec![ModelFile {
                path: "model.onnx".to_owned(),
                size: 10,
                etag: "e".to_owned(),
                url: "https://blob/model.onnx".to_owned(),
            }],
            ..State::default()
        };
        Self(Mutex::new(state))
    }

    /// Counts a call and fails it if it is to be.
    fn call<T>(&self, name: &'static str, work: impl FnOnce(&mut State) -> PortResult<T>) -> PortResult<T> {
        let mut state = self.0.lock().unwrap();
        let number = state.calls;
        state.calls += 1;
        if state.cut == Some(Cut::Before(number)) {
            return Err(refusal(Refused::Invalid, "cut"));
        }
        if let Some(at) = state.failures.iter().position(|(of, _)| *of == name) {
            return Err(state.failures.remove(at).1);
        }
        let result = work(&mut state);
        if state.cut == Some(Cut::After(number)) {
            return Err(refusal(Refused::Invalid, "cut"));
        }
        result
    }

    pub(super) fn steps(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Step { name, .. } => Some(name.clone()),
                _ => None,
            })
            .collect()
    }
}

impl State {
    /// What the controller does in one tick: one new pod becomes ready, then one old pod goes.
    fn tick(&mut self) {
        let Some(deployment) =
            self.objects.iter().find(|(key, _)| key.kind.kind == "Deployment").map(|(_, it)| it.clone())
        else {
            return;
        };
        let image =
            deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        let wanted = usize::try_from(deployment["spec"]["replicas"].as_u64().unwrap()).unwrap();
        let stuck = self.stuck.as_ref().is_some_and(|(stuck, _)| *stuck == image);
        if let Some(pod) = self.pods.iter_mut().find(|pod| pod.image == image && !pod.ready) {
            pod.ready = !stuck;
        } else if self.pods.iter().filter(|pod| pod.image == image).count() < wanted {
            let name = format!("pod-{}", self.seconds);
            self.pods.push(Pod { name, image: image.clone(), ready: false });
        } else if let Some(old) = self.pods.iter().position(|pod| pod.image != image) {
            self.pods.remove(old);
        }
        self.serving.push(self.pods.iter().filter(|pod| pod.ready).count());
    }

    fn with_status(&self, mut object: Value) -> Value {
        if object["kind"] != "Deployment" {
            return object;
        }
        let image = object["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        let count = |test: &dyn Fn(&&Pod) -> bool| self.pods.iter().filter(test).count();
        object["status"] = json!({
            "observedGeneration": object["metadata"]["generation"],
            "replicas": count(&|_| true),
            "updatedReplicas": count(&|pod| image == pod.image.as_str()),
            "availableReplicas": count(&|pod| pod.ready),
        });
        object
    }

    fn put(&mut self, object: &Value) -> PortResult<Value> {
        let key = KubernetesObject { object: object.clone() }.object_key().unwrap();
        if let Some(other) = self.meanwhile.take_if(|_| key.kind.kind == "ConfigMap") {
            self.objects.insert(key.clone(), other);
        }
        let live = self.objects.get(&key);
        let version = |it: &Value| it["metadata"]["resourceVersion"].as_str().map(str::to_owned);
        if version(object).is_some() && live.and_then(version) != version(object) {
            return Err(refusal(Refused::Conflict, "the object has been modified"));
        }
        let mut stored = object.clone();
        let unchanged = live.is_some_and(|live| live["spec"] == object["spec"]);
        let generation = live.map_or(0, |live| live["metadata"]["generation"].as_i64().unwrap());
        stored["metadata"]["generation"] = json!(if unchanged { generation } else { generation + 1 });
        stored["metadata"]["resourceVersion"] = json!(self.calls.to_string());
        if stored["kind"] == "Service" {
            stored["spec"]["clusterIP"] = json!("10.0.0.7");
        }
        self.objects.insert(key, stored.clone());
        Ok(stored)
    }

    fn pod_object(&self, pod: &Pod) -> Value {
        let stuck = self.stuck.as_ref().filter(|(image, _)| *image == pod.image);
        json!({
            "metadata": {"name": pod.name},
            "spec": {"containers": [{"image": pod.image}]},
            "status": stuck.map_or_else(|| json!({"conditions": [{"type": "Ready", "status": if pod.ready {"True"} else {"False"}}]}),
                |(_, status)| status.clone()),
        })
    }
}

impl ModelSource for World {
    async fn models(&self) -> PortResult<Vec<String>> {
        self.call("models", |state| Ok(state.versions.iter().map(|it| it.name.clone()).collect()))
    }

    async fn versions(&self, model: &str) -> PortResult<Vec<ModelVersion>> {
        self.call("versions", |state| {
            Ok(state.versions.iter().filter(|it| it.name == model).cloned().collect())
        })
    }

    async fn version(&self, model: &str, version: &str) -> PortResult<ModelVersion> {
        self.call("version", |state| {
            let found = state.versions.iter().find(|it| it.name == model && it.version == version);
            found.cloned().ok_or_else(|| refusal(Refused::NotFound, "no such version"))
        })
    }

    async fn files(&self, _: &ModelVersion) -> PortResult<Vec<ModelFile>> {
        self.call("files", |state| Ok(state.files.clone()))
    }

    async fn read(&self, _: &ModelFile, _: std::ops::Range<u64>) -> PortResult<ByteStream> {
        self.call("read", |state| {
            let bytes = Bytes::from_static(state.text.as_bytes());
            Ok(Box::pin(futures_util::stream::iter([Ok(bytes)])) as ByteStream)
        })
    }
}

impl ImageStore for World {
    async fn find(&self, repository: &str, reference: &str) -> PortResult<Option<ImageFacts>> {
        let key = (repository.to_owned(), reference.to_owned());
        self.call("find", |state| Ok(state.images.get(&key).cloned()))
    }

    async fn push<S: ModelSource, W: Watch>(
        &self,
        plan: &ImagePlan,
        _: &S,
        _: &W,
    ) -> PortResult<PushedImage> {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(serde_json::to_vec(plan).unwrap())));
        self.call("push", |state| {
            let facts = ImageFacts { digest: digest.clone(), annotations: plan.annotations.clone() };
            let there = state.images.insert((plan.repository.clone(), plan.tag.clone()), facts).is_some();
            let (sent, present) = if there { (0, 10) } else { (10, 0) };
            let reference = format!("host/{}@{digest}", plan.repository);
            Ok(PushedImage { reference, digest, sent, present, ..PushedImage::default() })
        })
    }

    async fn sign<W: Watch>(
        &self,
        image: &PushedImage,
        testimony: Option<&Testimony>,
        key: &SigningKey,
        _: &W,
    ) -> PortResult<Vec<Referrer>> {
        let (signed, digest) = ((key.to_string(), testimony.cloned()), image.digest.clone());
        self.call("sign", |state| {
            state.signatures.push(signed);
            Ok(vec![Referrer { artifact_type: "signature".to_owned(), digest }])
        })
    }

    async fn signed(&self, image: &str, key: &TrustedKey) -> PortResult<SignatureVerdict> {
        let wanted = (image.to_owned(), key.pem.clone());
        self.call("signed", |state| {
            let signed = state.signed.contains(&wanted);
            let unsigned = || SignatureVerdict::Unsigned("nobody signed it".to_owned());
            Ok(if signed { SignatureVerdict::Signed } else { unsigned() })
        })
    }

    async fn attest<W: Watch>(
        &self,
        image: &PushedImage,
        testimony: &Testimony,
        _: &W,
    ) -> PortResult<Attested> {
        self.call("attest", |state| {
            if state.takes_no_referrers {
                return Ok(Attested::Refused("no".to_owned()));
            }
            state.attested.push((image.digest.clone(), testimony.clone()));
            Ok(Attested::There(Vec::new()))
        })
    }
}

impl Cluster for World {
    async fn apply(&self, object: &Value) -> PortResult<Value> {
        self.call("apply", |state| state.put(object))
    }

    async fn get(&self, key: &ObjectKey) -> PortResult<Option<Value>> {
        self.call("get", |state| Ok(state.objects.get(key).map(|object| state.with_status(object.clone()))))
    }

    async fn list(&self, kind: &ObjectKind, _: &str, _: &BTreeMap<String, String>) -> PortResult<Vec<Value>> {
        self.call("list", |state| {
            Ok(match kind.kind.as_str() {
                "Pod" => state.pods.iter().map(|pod| state.pod_object(pod)).collect(),
                _ => state.warnings.clone(),
            })
        })
    }

    async fn delete(&self, key: &ObjectKey) -> PortResult<()> {
        assert!(
            ["HorizontalPodAutoscaler", "PodDisruptionBudget"].contains(&key.kind.kind.as_str()),
            "{key:?}"
        );
        self.call("delete", |state| {
            state.objects.remove(key);
            Ok(())
        })
    }

    async fn through_proxy(
        &self,
        _: &str,
        service: &str,
        path: &str,
        body: Option<Bytes>,
    ) -> PortResult<ProxyReply> {
        assert_eq!(service, "wine:http");
        self.call("proxy", |state| {
            state.asked.push((path.to_owned(), body.is_some()));
            if state.answers.is_empty() {
                return Ok(ProxyReply { status: 200, body: Bytes::from_static(b"[]") });
            }
            Ok(state.answers.remove(0))
        })
    }
}

impl Time for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + self.0.lock().unwrap().seconds).unwrap()
    }

    async fn sleep(&self, length: Duration) {
        let mut state = self.0.lock().unwrap();
        state.slept.push(length);
        state.seconds += i64::try_from(length.as_secs()).unwrap().max(1);
        state.tick();
        if let Some(image) = state.other_hand.take() {
            for (key, object) in &mut state.objects {
                if key.kind.kind == "Deployment" {
                    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
                }
            }
        }
    }
}

impl Watch for World {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().events.push(event);
    }
}
