//! Setting the cluster up: what is wanted, what carries our mark, what an administrator may not do.

use std::collections::{BTreeMap, BTreeSet};
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
use super::{Cluster, Force, SERVICE, kinds, selector};
use crate::error;

/// Questions under way at the same time.
const AT_ONCE: usize = 6;
/// More namespaces than this are looked through together.
const FEW: usize = 4;
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
        let keys: BTreeSet<ObjectKey> = wanted.iter().filter_map(object_key).collect();
        let mut objects = self.marked(bridge).await?;
        let seen: BTreeSet<ObjectKey> = objects.iter().filter_map(kinds::key_of).collect();
        // Whatever is wanted and has no mark is asked for by name, namespaces first: nothing is in one that is not there.
        let unseen: Vec<&ObjectKey> = keys.iter().filter(|key| !seen.contains(key)).collect();
        let (inner, outer): (Vec<_>, Vec<_>) = unseen.into_iter().partition(|key| key.namespace.is_some());
        let named = self.get_all(&outer).await?;
        let absent: BTreeSet<&str> = outer
            .iter()
            .filter(|key| !named.iter().any(|object| kinds::key_of(object).as_ref() == Some(*key)))
            .map(|key| key.name.as_str())
            .collect();
        let elsewhere = |key: &&ObjectKey| !key.namespace.as_deref().is_some_and(|it| absent.contains(it));
        let inner: Vec<&ObjectKey> = inner.into_iter().filter(elsewhere).collect();
        objects.extend(named);
        objects.extend(self.get_all(&inner).await?);
        let mut holds = self.leaving(bridge, &keys, &objects).await?;
        for object in objects {
            let marked = is_marked(bridge, &object);
            let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let holds = if is_namespace(&object) { holds.remove(name) } else { None };
            let resource = Resource::Kubernetes(KubernetesObject { object });
            let observed = Observed { resource, marked, state: State::Live, holds };
            inventory.found.insert(observed.resource.key(), observed);
        }
        Ok(())
    }

    async fn get_all(&self, keys: &[&ObjectKey]) -> PortResult<Vec<Value>> {
        let gets: Vec<_> = keys.iter().map(|key| self.cluster.get(key).boxed()).collect();
        let found: Vec<Option<Value>> = stream::iter(gets).buffered(AT_ONCE).try_collect().await?;
        // What is being deleted is as good as gone: it is waited for before it is made anew.
        Ok(found.into_iter().flatten().filter(|object| !is_going(object)).collect())
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
        let mut found = self.cluster.get(&key).await?;
        if found.as_ref().is_some_and(is_going) {
            self.wait_until_gone(&key).await?;
            found = None;
        }
        let adopting = matches!(change.action, Action::Adopt { .. });
        if !adopting && found.as_ref().is_some_and(|found| !is_marked(bridge, found)) {
            let problem = format!("`{}` exists and does not carry the mark of `{}`", change.key, bridge.name);
            return Err(error::own(SERVICE, Refused::Conflict, problem));
        }
        match &change.action {
            Action::Delete { .. } if found.is_none() => Ok(()),
            Action::Delete { .. } => self.delete(&key).await,
            // Nothing was there: a field that somebody has meanwhile is theirs, and a conflict.
            Action::Create { .. } | Action::Undelete { .. } => {
                let object = resolved(&object.object, outputs)?;
                self.cluster.apply_with(&object, Force::No).await.map(drop)
            }
            // The plan showed what is taken back, of this very version of the object.
            Action::Update { found: seen, .. } | Action::Adopt { found: seen, .. } => {
                let object = at_version_of(&resolved(&object.object, outputs)?, seen);
                self.cluster.apply_with(&object, Force::Yes).await.map(drop)
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
    pub(super) async fn list_if_served(
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

    /// What others keep in those namespaces of ours that are wanted no longer, in words, by namespace.
    async fn leaving(
        &self,
        bridge: &Bridge,
        wanted: &BTreeSet<ObjectKey>,
        objects: &[Value],
    ) -> PortResult<BTreeMap<String, String>> {
        let leaving: Vec<&str> = objects
            .iter()
            .filter(|object| is_namespace(object) && is_marked(bridge, object))
            .filter(|object| kinds::key_of(object).is_some_and(|key| !wanted.contains(&key)))
            .filter_map(|object| object.pointer("/metadata/name").and_then(Value::as_str))
            .collect();
        // Many namespaces are asked about together.
        let asked: Vec<Option<&str>> = if leaving.len() > FEW {
            vec![None]
        } else {
            leaving.iter().map(|namespace| Some(*namespace)).collect()
        };
        let mut foreign: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for namespace in asked {
            for object in self.foreign_objects(bridge, namespace).await? {
                let within = object.pointer("/metadata/namespace").and_then(Value::as_str).or(namespace);
                if let Some(within) = within.filter(|within| leaving.contains(within)) {
                    foreign.entry(within.to_owned()).or_default().push(title(&object));
                }
            }
        }
        let worded = foreign.into_iter().filter_map(|(namespace, titles)| {
            let words = match titles.as_slice() {
                [] => return None,
                [one] => format!("{one}, which is not ours"),
                [first, others @ ..] => {
                    format!("{first} and {} more objects that are not ours", others.len())
                }
            };
            Some((namespace, words))
        });
        Ok(worded.collect())
    }

    /// What others keep in a namespace, or in all of them.
    async fn foreign_objects(&self, bridge: &Bridge, namespace: Option<&str>) -> PortResult<Vec<Value>> {
        let lists: Vec<_> = kinds::OURS
            .iter()
            .filter(|(_, name)| *name != "Namespace")
            .chain(&kinds::OTHERS)
            .map(|(version, name)| self.list_if_served(version, name, namespace, String::new()).boxed())
            .collect();
        let lists: Vec<Vec<Value>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
        Ok(lists.into_iter().flatten().filter(|object| is_foreign(bridge, object)).collect())
    }

    async fn delete(&self, key: &ObjectKey) -> PortResult<()> {
        self.cluster.delete(key).await?;
        self.wait_until_gone(key).await
    }

    async fn wait_until_gone(&self, key: &ObjectKey) -> PortResult<()> {
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

/// The object with what is known only by now.
fn resolved(object: &Value, outputs: &Outputs) -> PortResult<Value> {
    let late =
        |unknown: bridge::plan::Unresolved| error::own(SERVICE, Refused::NotFound, unknown.to_string());
    outputs.resolve_all(object).map_err(late)
}

/// The object, to be applied only if nobody wrote it since `seen` was read.
fn at_version_of(object: &Value, seen: &Resource) -> Value {
    let mut object = object.clone();
    if let Resource::Kubernetes(seen) = seen
        && let Some(version) = seen.object.pointer("/metadata/resourceVersion")
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("resourceVersion".to_owned(), version.clone());
    }
    object
}

fn is_namespace(object: &Value) -> bool {
    object.get("kind").is_some_and(|kind| kind == "Namespace")
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
