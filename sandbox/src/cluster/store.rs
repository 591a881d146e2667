//! The object store: objects by key, one revision counter, and the recent changes that watches replay.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::json;
use super::kinds::Kind;
use super::status::Failure;

/// How many changes a watch can fall behind before it must list again.
const HISTORY: usize = 2048;

/// Names one stored object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: &'static Kind,
    /// Empty for cluster-scoped kinds.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// An object as stored. Never changed in place.
pub(crate) type Object = Arc<Value>;

/// One change, for watches.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) kind: &'static Kind,
    pub(crate) namespace: String,
    /// What was there before.
    pub(crate) before: Option<Object>,
    /// What is there now; a removed object's last state carries the revision of its removal.
    pub(crate) after: Object,
    /// Whether the object is gone.
    pub(crate) removed: bool,
}

/// The store.
pub(crate) struct Store {
    inner: Mutex<Inner>,
    latest: watch::Sender<u64>,
}

struct Inner {
    revision: u64,
    objects: BTreeMap<Key, Object>,
    history: VecDeque<Change>,
}

impl Default for Store {
    fn default() -> Self {
        let inner = Inner { revision: 1, objects: BTreeMap::new(), history: VecDeque::new() };
        Self { inner: Mutex::new(inner), latest: watch::channel(1).0 }
    }
}

impl Key {
    pub(crate) fn new(kind: &'static Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.namespaced { namespace.to_owned() } else { String::new() };
        Self { kind, namespace, name: name.to_owned() }
    }

    /// The key of a stored object.
    pub(crate) fn of(kind: &'static Kind, object: &Value) -> Self {
        Self::new(kind, json::text(object, "/metadata/namespace"), json::text(object, "/metadata/name"))
    }
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object of this key.
    pub(crate) fn get(&self, key: &Key) -> Option<Object> {
        self.lock().objects.get(key).cloned()
    }

    /// All objects of a kind, in one namespace or in all, with the revision they were read at.
    pub(crate) fn list(&self, kind: &'static Kind, namespace: Option<&str>) -> (Vec<Object>, u64) {
        let inner = self.lock();
        let first = Key::new(kind, namespace.unwrap_or_default(), "");
        let objects = inner
            .objects
            .range(first..)
            .take_while(|(key, _)| key.kind == kind && namespace.is_none_or(|wanted| key.namespace == wanted))
            .map(|(_, object)| Arc::clone(object))
            .collect();
        (objects, inner.revision)
    }

    /// Stores `object` under `key` and gives it a new resource version.
    pub(crate) fn put(&self, key: &Key, mut object: Value) -> Object {
        let mut inner = self.lock();
        inner.revision += 1;
        let revision = inner.revision;
        json::set(&mut object, &["metadata", "resourceVersion"], json!(revision.to_string()));
        let after = Arc::new(object);
        let before = inner.objects.insert(key.clone(), Arc::clone(&after));
        inner.remember(Change {
            revision,
            kind: key.kind,
            namespace: key.namespace.clone(),
            before,
            after: Arc::clone(&after),
            removed: false,
        });
        drop(inner);
        self.latest.send_replace(revision);
        after
    }

    /// Removes the object of `key`.
    pub(crate) fn remove(&self, key: &Key) -> Option<Object> {
        let mut inner = self.lock();
        let before = inner.objects.remove(key)?;
        inner.revision += 1;
        let revision = inner.revision;
        let mut last = Value::clone(&before);
        json::set(&mut last, &["metadata", "resourceVersion"], json!(revision.to_string()));
        inner.remember(Change {
            revision,
            kind: key.kind,
            namespace: key.namespace.clone(),
            before: Some(Arc::clone(&before)),
            after: Arc::new(last),
            removed: true,
        });
        drop(inner);
        self.latest.send_replace(revision);
        Some(before)
    }

    /// The changes of a kind after `revision`, and the revision up to which they were read. Fails if some are forgotten.
    pub(crate) fn since(
        &self,
        kind: &'static Kind,
        namespace: Option<&str>,
        revision: u64,
    ) -> Result<(Vec<Change>, u64), Failure> {
        let inner = self.lock();
        let oldest = inner.history.front().map_or(inner.revision, |change| change.revision - 1);
        if revision < oldest {
            return Err(Failure::too_old(revision, oldest));
        }
        let start = inner.history.partition_point(|change| change.revision <= revision);
        let changes = inner.history.range(start..).filter(|change| {
            change.kind == kind && namespace.is_none_or(|wanted| change.namespace == wanted)
        });
        Ok((changes.cloned().collect(), inner.revision))
    }

    /// Every object, and the revision they were read at.
    pub(crate) fn everything(&self) -> (Vec<(Key, Object)>, u64) {
        let inner = self.lock();
        let objects = inner.objects.iter().map(|(key, object)| (key.clone(), Arc::clone(object)));
        (objects.collect(), inner.revision)
    }

    /// Puts other objects in the place of all there are. Watches must list again.
    pub(crate) fn restore(&self, objects: impl Iterator<Item = (Key, Value)>, revision: u64) {
        let mut inner = self.lock();
        inner.objects = objects.map(|(key, object)| (key, Arc::new(object))).collect();
        inner.history.clear();
        inner.revision = inner.revision.max(revision) + 1;
        let revision = inner.revision;
        drop(inner);
        self.latest.send_replace(revision);
    }

    /// Tells of every new revision.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }
}

impl Inner {
    fn remember(&mut self, change: Change) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kinds::{CONFIG_MAP, SERVICE};

    fn put(store: &Store, kind: &'static Kind, namespace: &str, name: &str) -> u64 {
        let key = Key::new(kind, namespace, name);
        let object = store.put(&key, json!({ "metadata": { "name": name, "namespace": namespace } }));
        json::text(&object, "/metadata/resourceVersion").parse().unwrap()
    }

    #[test]
    fn lists_by_kind_and_namespace() {
        let store = Store::default();
        put(&store, &CONFIG_MAP, "a", "one");
        put(&store, &CONFIG_MAP, "b", "two");
        put(&store, &SERVICE, "a", "three");
        assert_eq!(store.list(&CONFIG_MAP, None).0.len(), 2);
        assert_eq!(store.list(&CONFIG_MAP, Some("a")).0.len(), 1);
        assert_eq!(store.list(&SERVICE, Some("b")).0.len(), 0);
    }

    #[test]
    fn changes_replay_from_a_revision_and_removal_is_the_last() {
        let store = Store::default();
        let first = put(&store, &CONFIG_MAP, "a", "one");
        put(&store, &SERVICE, "a", "other");
        store.remove(&Key::new(&CONFIG_MAP, "a", "one"));
        let (changes, revision) = store.since(&CONFIG_MAP, Some("a"), first).unwrap();
        assert_eq!(changes.len(), 1);
        assert!(changes[0].removed);
        assert_eq!(changes[0].revision, revision);
        assert_eq!(store.get(&Key::new(&CONFIG_MAP, "a", "one")), None);
    }

    #[test]
    fn a_watch_that_fell_behind_is_told() {
        let store = Store::default();
        for _ in 0..=HISTORY {
            put(&store, &CONFIG_MAP, "a", "one");
        }
        assert_eq!(store.since(&CONFIG_MAP, None, 1).unwrap_err().code, 410);
        assert_eq!(store.since(&CONFIG_MAP, None, 2).unwrap().0.len(), HISTORY);
    }
}
