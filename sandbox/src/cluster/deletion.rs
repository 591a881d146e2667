//! Deleting objects: graceful for pods, in stages for namespaces and owners, at once for the rest.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::State;
use super::json::{list, number, set, text};
use super::kinds::{self, Kind};
use super::naming;
use super::status::Failure;
use super::store::{Key, Object};

/// The finalizer of an owner that waits for its dependents.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// What becomes of dependents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They go after the owner.
    #[default]
    Background,
    /// The owner stays until they are gone.
    Foreground,
    /// They stay, without owner.
    Orphan,
}

/// `DeleteOptions`.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) propagation: Propagation,
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) dry_run: bool,
}

/// What a deletion came to.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Object),
    /// The object stays until something is done.
    Waits(Object),
}

/// Whether a stored object only waited for finalizers that are no more.
pub(crate) fn is_finished(object: &Value, kind: &Kind) -> bool {
    let waits_for_others = kind.is(&kinds::POD) || kind.is(&kinds::NAMESPACE);
    is_deleting(object) && !waits_for_others && list(object, "/metadata/finalizers").is_empty()
}

/// Whether the object is on its way out.
pub(crate) fn is_deleting(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

impl State {
    /// Deletes an object, or starts to.
    pub(crate) fn delete(&self, key: &Key, options: &DeleteOptions) -> Result<Deleted, Failure> {
        let _one_writer_at_a_time = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let object = self.store.get(key).ok_or_else(|| Failure::not_found(key.kind, &key.name))?;
        precondition(key, &object, options)?;
        if key.kind.is(&kinds::NAMESPACE) && ["default", "kube-system"].contains(&key.name.as_str()) {
            return Err(Failure::not_admitted(key.kind, &key.name, "this namespace may not be deleted"));
        }
        if options.dry_run {
            return Ok(Deleted::Gone(object));
        }
        if options.propagation == Propagation::Orphan {
            self.orphan_dependents(text(&object, "/metadata/uid"));
        }
        Ok(self.delete_stored(key, &object, options))
    }

    fn delete_stored(&self, key: &Key, object: &Object, options: &DeleteOptions) -> Deleted {
        if key.kind.is(&kinds::POD) {
            return self.delete_pod(key, object, options.grace_seconds);
        }
        let mut next = Value::clone(object);
        if options.propagation == Propagation::Foreground
            && !list(object, "/metadata/finalizers").contains(&json!(FOREGROUND))
        {
            let mut finalizers = list(object, "/metadata/finalizers").to_vec();
            finalizers.push(json!(FOREGROUND));
            set(&mut next, &["metadata", "finalizers"], Value::Array(finalizers));
        }
        let namespace = key.kind.is(&kinds::NAMESPACE);
        if namespace {
            set(&mut next, &["status", "phase"], json!("Terminating"));
        }
        if !namespace && list(&next, "/metadata/finalizers").is_empty() {
            self.store.remove(key);
            return Deleted::Gone(Object::clone(object));
        }
        if !is_deleting(&next) {
            set(&mut next, &["metadata", "deletionTimestamp"], json!(self.timestamp()));
            set(&mut next, &["metadata", "deletionGracePeriodSeconds"], json!(0));
        }
        if next == **object {
            Deleted::Waits(Object::clone(object))
        } else {
            Deleted::Waits(self.store.put(key, next))
        }
    }

    /// A pod gets its grace period; the node removes it when its processes are gone.
    fn delete_pod(&self, key: &Key, pod: &Object, grace: Option<i64>) -> Deleted {
        let own = number(pod, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
        let grace = grace.unwrap_or(own).max(0);
        let current = number(pod, "/metadata/deletionGracePeriodSeconds");
        if is_deleting(pod) && current.is_some_and(|current| current <= grace) && grace > 0 {
            return Deleted::Waits(Object::clone(pod));
        }
        if grace == 0 {
            self.store.remove(key);
            return Deleted::Gone(Object::clone(pod));
        }
        let end = self.clock.now() + jiff::SignedDuration::from_secs(grace);
        let mut next = Value::clone(pod);
        set(&mut next, &["metadata", "deletionTimestamp"], json!(naming::timestamp(end)));
        set(&mut next, &["metadata", "deletionGracePeriodSeconds"], json!(grace));
        Deleted::Waits(self.store.put(key, next))
    }

    /// Takes the owner with this uid out of every object that names it.
    fn orphan_dependents(&self, uid: &str) {
        for kind in kinds::ALL {
            for object in self.store.list(kind, None).0 {
                let references = list(&object, "/metadata/ownerReferences");
                let left: Vec<Value> =
                    references.iter().filter(|reference| text(reference, "/uid") != uid).cloned().collect();
                if left.len() < references.len() {
                    let mut next = Value::clone(&object);
                    set(&mut next, &["metadata", "ownerReferences"], Value::Array(left));
                    self.store.put(&Key::of(kind, &object), next);
                }
            }
        }
    }
}

fn precondition(key: &Key, object: &Value, options: &DeleteOptions) -> Result<(), Failure> {
    let uid = text(object, "/metadata/uid");
    if !options.uid.is_empty() && options.uid != uid {
        let why =
            format!("Precondition failed: UID in precondition: {}, UID in object meta: {uid}", options.uid);
        return Err(Failure::conflict(key.kind, &key.name, &why));
    }
    let version = text(object, "/metadata/resourceVersion");
    if !options.resource_version.is_empty() && options.resource_version != version {
        let why = format!(
            "Precondition failed: ResourceVersion in precondition: {}, ResourceVersion in object meta: {version}",
            options.resource_version
        );
        return Err(Failure::conflict(key.kind, &key.name, &why));
    }
    Ok(())
}
