//! Setting the cluster up: what is wanted, what carries our mark, what an administrator may not do.

use std::time::Duration;

use bridge::inventory::{Inventory, Observed, State};
use bridge::plan::{Action, Change, Missing, Need, Outputs};
use bridge::port::{Cluster as _, ObjectKey, PortResult, Refused};
use bridge::resource::{KubernetesObject, Resource};
use bridge::spec::Bridge;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use http::Method;
use serde_json::{Value, json};

use super::api::Body;
use super::{Cluster, SERVICE, kinds, selector};
use crate::error;

/// Questions under way at the same time.
const AT_ONCE: usize = 6;
/// A deletion is looked after this often,
const POLLS: u32 = 130;
/// first after this time,
const FIRST_POLL: Duration = Duration::from_millis(20);
/// then ever more seldom, up to this.
const LONGEST_POLL: Duration = Duration::from_secs(1);

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Sets the cluster up, as an administrator.
#[derive(Clone)]
pub struct SetUp {
    cluster: Cluster,
}

impl SetUp {
    /// Works in `cluster`, as whoever speaks to it.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    /// Adds the live state of wanted objects, and of everything that carries our mark.
    pub async fn observe(
        &self,
        bridge: &Bridge,
        wanted: &[Resource],
        inventory: &mut Inventory,
    ) -> PortResult<()> {
        let keys: Vec<ObjectKey> = wanted.iter().filter_map(object_key).collect();
        let gets: Vec<_> = keys.iter().map(|key| self.cluster.get(key).boxed()).collect();
        let found: Vec<Option<Value>> = stream::iter(gets).buffered(AT_ONCE).try_collect().await?;
        let marked = self.marked(bridge).await?;
        let mut objects: Vec<Value> = found.into_iter().flatten().chain(marked).collect();
        objects.sort_by_cached_key(kinds::key_of);
        objects.dedup_by_key(|object| kinds::key_of(object));
        for object in objects {
            let observed = self.observed(bridge, object).await?;
            inventory.found.insert(observed.resource.key(), observed);
        }
        Ok(())
    }

    /// The Kubernetes needs that are not met.
    pub async fn missing(&self, needs: &[Need]) -> PortResult<Vec<Missing>> {
        let reviews: Vec<_> = needs.iter().map(|need| self.review(need).boxed()).collect();
        let missing: Vec<Option<Missing>> = stream::iter(reviews).buffered(AT_ONCE).try_collect().await?;
        Ok(missing.into_iter().flatten().collect())
    }

    /// Makes one change in the cluster. Making it twice is making it once.
    pub async fn perform(&self, bridge: &Bridge, change: &Change, outputs: &Outputs) -> PortResult<()> {
        let Resource::Kubernetes(object) = change.action.resource() else {
            let problem = format!("`{}` is nothing of Kubernetes'", change.key);
            return Err(error::own(SERVICE, Refused::Invalid, problem));
        };
        let nameless = || error::own(SERVICE, Refused::Invalid, "an object without kind or name");
        let key = object.object_key().ok_or_else(nameless)?;
        let found = self.cluster.get(&key).await?;
        if found.as_ref().is_some_and(|found| !is_marked(bridge, found)) {
            let problem = format!("`{}` exists and does not carry the mark of `{}`", change.key, bridge.name);
            return Err(error::own(SERVICE, Refused::Conflict, problem));
        }
        match change.action {
            Action::Delete { .. } if found.is_none() => Ok(()),
            Action::Delete { .. } => self.delete(&key).await,
            _ => {
                let late = |unknown: bridge::plan::Unresolved| {
                    error::own(SERVICE, Refused::NotFound, unknown.to_string())
                };
                let object = outputs.resolve_all(&object.object).map_err(late)?;
                self.cluster.apply(&object).await.map(drop)
            }
        }
    }

    async fn marked(&self, bridge: &Bridge) -> PortResult<Vec<Value>> {
        let mark = selector(&bridge.mark_labels());
        let lists: Vec<_> = kinds::OURS
            .iter()
            .map(|(version, name)| self.list_if_served(version, name, None, mark.clone()).boxed())
            .collect();
        let lists: Vec<Vec<Value>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
        Ok(lists.into_iter().flatten().filter(|object| !is_going(object)).collect())
    }

    /// A cluster that does not serve a kind has none of it.
    async fn list_if_served(
        &self,
        version: &str,
        name: &str,
        namespace: Option<&str>,
        selector: String,
    ) -> PortResult<Vec<Value>> {
        match self.cluster.list_where(&kinds::kind(version, name), namespace, &selector).await {
            Err(refused) if refused.kind == Refused::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    async fn observed(&self, bridge: &Bridge, object: Value) -> PortResult<Observed> {
        let marked = is_marked(bridge, &object);
        let namespace = object.get("kind").is_some_and(|kind| kind == "Namespace");
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        let holds = match name {
            Some(name) if namespace && marked => self.foreign_objects(bridge, name).await?,
            _ => None,
        };
        let resource = Resource::Kubernetes(KubernetesObject { object });
        Ok(Observed { resource, marked, state: State::Live, holds })
    }

    /// What others keep in a namespace, in words.
    async fn foreign_objects(&self, bridge: &Bridge, namespace: &str) -> PortResult<Option<String>> {
        let lists: Vec<_> = kinds::OURS
            .iter()
            .filter(|(_, name)| *name != "Namespace")
            .chain(&kinds::OTHERS)
            .map(|(version, name)| self.list_if_served(version, name, Some(namespace), String::new()).boxed())
            .collect();
        let lists: Vec<Vec<Value>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
        let foreign: Vec<String> = lists
            .into_iter()
            .flatten()
            .filter(|object| is_foreign(bridge, object))
            .map(|it| title(&it))
            .collect();
        Ok(match foreign.as_slice() {
            [] => None,
            [one] => Some(format!("{one}, which is not ours")),
            [first, others @ ..] => {
                Some(format!("{first} and {} more objects that are not ours", others.len()))
            }
        })
    }

    async fn delete(&self, key: &ObjectKey) -> PortResult<()> {
        self.cluster.delete(key).await?;
        let mut pause = FIRST_POLL;
        for _ in 0..POLLS {
            if self.cluster.get(key).await?.is_none() {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_POLL);
        }
        let problem = format!("{} `{}` is still being deleted", key.kind.kind, key.name);
        Err(error::own(SERVICE, Refused::Unavailable, problem))
    }

    async fn review(&self, need: &Need) -> PortResult<Option<Missing>> {
        let Need::Kubernetes { verb, group, resource } = need else { return Ok(None) };
        let (name, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": verb, "group": group, "resource": name, "subresource": subresource,
            } },
        });
        let answered = self.cluster.api.json(Method::POST, REVIEWS, Body::Json(&review)).await?;
        if answered.pointer("/status/allowed") == Some(&Value::Bool(true)) {
            return Ok(None);
        }
        let who = self.cluster.who().to_owned();
        let mend =
            "be given `roles/container.admin` on the project, or a ClusterRole with this verb".to_owned();
        Ok(Some(Missing { need: need.clone(), who, mend }))
    }
}

fn object_key(resource: &Resource) -> Option<ObjectKey> {
    match resource {
        Resource::Kubernetes(object) => object.object_key(),
        _ => None,
    }
}

fn is_marked(bridge: &Bridge, object: &Value) -> bool {
    let labels = object.pointer("/metadata/labels");
    bridge.mark_labels().iter().all(|(name, value)| {
        labels.and_then(|labels| labels.get(name)).and_then(Value::as_str) == Some(value.as_str())
    })
}

/// Whether somebody else keeps this. What an object of somebody's made counts with its maker; what every namespace
/// has by itself counts for nobody.
fn is_foreign(bridge: &Bridge, object: &Value) -> bool {
    let owned = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let owned = owned.is_some_and(|owners| !owners.is_empty());
    !owned && !is_going(object) && !is_marked(bridge, object) && !comes_by_itself(object)
}

fn comes_by_itself(object: &Value) -> bool {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    matches!(
        (text("/kind"), text("/metadata/name")),
        ("ServiceAccount", "default") | ("ConfigMap", "kube-root-ca.crt" | "istio-ca-root-cert")
    )
}

/// Whether an object is being deleted already.
fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

fn title(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!("{} `{}`", text("/kind"), text("/metadata/name"))
}
