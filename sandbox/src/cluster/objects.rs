//! Writing objects: what happens between a request (or a controller's wish) and the store.
//!
//! 1. The body is read as its type; unknown fields are refused, warned of, or dropped.
//! 2. The change is merged: create, replace, patch, server-side apply.
//! 3. Defaults, what the server keeps (uid, times, generation, status), validation, admission, ownership.
//! 4. Stored, unless nothing changed or it was a dry run.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::State;
use super::apply::{self, Writer};
use super::intake::{confine, declared_in_schema, identify, precondition, read};
use super::json::{self, set, text};
use super::kinds::Kind;
use super::status::Failure;
use super::store::{Key, Object};
use super::{admission, defaults, naming, validate};

/// How a write is to be done.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteOptions {
    /// The field manager.
    pub(crate) manager: String,
    /// The subresource that is written, where that is not the status.
    pub(crate) subresource: &'static str,
    /// Do all but store.
    pub(crate) dry_run: bool,
    /// What to do about unknown fields.
    pub(crate) unknown: UnknownFields,
}

/// What to do about fields that the type does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// Drop them.
    Ignore,
    /// Drop them and say so.
    #[default]
    Warn,
    /// Refuse the request.
    Strict,
}

/// Which part of an object a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but the status.
    Main,
    /// The status alone.
    Status,
}

/// What a write came to.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Object,
    pub(crate) created: bool,
    /// Texts for `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

/// Fields of `metadata` that only the server sets.
const KEPT: &[&str] = &[
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
];

impl WriteOptions {
    /// A controller's or the node's own write.
    pub(crate) fn by(manager: &str) -> Self {
        Self { manager: manager.to_owned(), ..Self::default() }
    }
}

impl State {
    /// Creates an object.
    pub(crate) fn create(
        &self,
        kind: &'static Kind,
        namespace: &str,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Written, Failure> {
        let warnings = read(kind, &mut object, options.unknown)?;
        identify(kind, namespace, &mut object)?;
        let _one_writer_at_a_time = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key::of(kind, &object);
        if !key.name.is_empty() && self.store.get(&key).is_some() {
            return Err(Failure::already_exists(kind, &key.name));
        }
        let object = self.birth(kind, object)?;
        let object = apply::track_update(
            &json!({}),
            object,
            &Self::writer(kind, Part::Main, options, &self.timestamp()),
        );
        Ok(Written { object: self.keep(&key, object, options), created: true, warnings })
    }

    /// Replaces an object, as `PUT` does.
    pub(crate) fn replace(
        &self,
        key: &Key,
        part: Part,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Written, Failure> {
        let warnings = read(key.kind, &mut object, options.unknown)?;
        identify(key.kind, &key.namespace, &mut object)?;
        if text(&object, "/metadata/name") != key.name {
            let given = text(&object, "/metadata/name");
            let why =
                format!("the name of the object ({given}) does not match the name on the URL ({})", key.name);
            return Err(Failure::bad_request(why));
        }
        let mut written = self.modify(key, part, options, |now| {
            *now = object;
            Ok(())
        })?;
        written.warnings = warnings;
        Ok(written)
    }

    /// Changes a stored object. `change` sees it whole; a `resourceVersion` it leaves must still be the stored one.
    pub(crate) fn modify(
        &self,
        key: &Key,
        part: Part,
        options: &WriteOptions,
        change: impl FnOnce(&mut Value) -> Result<(), Failure>,
    ) -> Result<Written, Failure> {
        let _one_writer_at_a_time = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.store.get(key).ok_or_else(|| Failure::not_found(key.kind, &key.name))?;
        let mut after = Value::clone(&before);
        change(&mut after)?;
        if after == *before {
            return Ok(Written { object: before, created: false, warnings: Vec::new() });
        }
        let warnings = read(key.kind, &mut after, options.unknown)?;
        precondition(key, &before, &after)?;
        let after = self.succeed(key.kind, &before, after, part)?;
        let after =
            apply::track_update(&before, after, &Self::writer(key.kind, part, options, &self.timestamp()));
        Ok(Written { object: self.keep(key, after, options), created: false, warnings })
    }

    /// Server-side apply.
    pub(crate) fn apply(
        &self,
        key: &Key,
        part: Part,
        mut applied: Value,
        force: bool,
        options: &WriteOptions,
    ) -> Result<Written, Failure> {
        identify(key.kind, &key.namespace, &mut applied)?;
        json::without_nulls(&mut applied);
        confine(key.kind, part, &mut applied);
        defaults::normalize_quantities(key.kind, &mut applied);
        declared_in_schema(key, &applied)?;
        let _one_writer_at_a_time = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.store.get(key);
        let time = self.timestamp();
        let writer = Self::writer(key.kind, part, options, &time);
        let Some(before) = before else {
            if part == Part::Status {
                return Err(Failure::not_found(key.kind, &key.name));
            }
            let merged = apply::apply(&json!({}), &applied, &writer, force)?;
            let object = self.birth(key.kind, merged)?;
            return Ok(Written {
                object: self.keep(key, object, options),
                created: true,
                warnings: Vec::new(),
            });
        };
        precondition(key, &before, &applied)?;
        let merged = apply::apply(&before, &applied, &writer, force)?;
        let owners = merged.pointer("/metadata/managedFields").cloned();
        let mut after = self.succeed(key.kind, &before, merged, part)?;
        if let Some(owners) = owners {
            set(&mut after, &["metadata", "managedFields"], owners);
        }
        Ok(Written { object: self.keep(key, after, options), created: false, warnings: Vec::new() })
    }

    /// A new object: what the server adds, validation, admission.
    fn birth(&self, kind: &'static Kind, mut object: Value) -> Result<Value, Failure> {
        for field in KEPT {
            json::remove(&mut object, &["metadata", field]);
        }
        if text(&object, "/metadata/name").is_empty() {
            let prefix = text(&object, "/metadata/generateName").to_owned();
            if !prefix.is_empty() {
                set(&mut object, &["metadata", "name"], json!(format!("{prefix}{}", naming::suffix())));
            }
        }
        set(&mut object, &["metadata", "uid"], json!(crate::random::uuid()));
        set(&mut object, &["metadata", "creationTimestamp"], json!(self.timestamp()));
        if kind.generation {
            set(&mut object, &["metadata", "generation"], json!(1));
        }
        if kind.status {
            json::remove(&mut object, &["status"]);
        }
        defaults::fill(kind, &mut object);
        admission::before_validation(kind, &mut object);
        validate::check(kind, &object, None)?;
        admission::admit(self, kind, &mut object)?;
        Ok(object)
    }

    /// A changed object: what the server keeps, defaults, validation.
    fn succeed(
        &self,
        kind: &'static Kind,
        before: &Value,
        mut after: Value,
        part: Part,
    ) -> Result<Value, Failure> {
        if part == Part::Status {
            let status = json::remove(&mut after, &["status"]).unwrap_or(Value::Null);
            let mut object = before.clone();
            set(&mut object, &["status"], status);
            return Ok(object);
        }
        for field in KEPT {
            match before.pointer(&format!("/metadata/{field}")) {
                Some(value) => set(&mut after, &["metadata", field], value.clone()),
                None => drop(json::remove(&mut after, &["metadata", field])),
            }
        }
        if kind.status {
            match before.get("status") {
                Some(status) => set(&mut after, &["status"], status.clone()),
                None => drop(json::remove(&mut after, &["status"])),
            }
        }
        admission::carry_over(kind, before, &mut after);
        defaults::fill(kind, &mut after);
        validate::check(kind, &after, Some(before))?;
        admission::admit_change(self, kind, before, &after)?;
        if kind.generation && before.get("spec") != after.get("spec") {
            let generation = json::number(before, "/metadata/generation").unwrap_or_default() + 1;
            set(&mut after, &["metadata", "generation"], json!(generation));
        }
        Ok(after)
    }

    /// Stores a changed object; what is unchanged but for the time of its last manager stays as it was. An object that
    /// waited only for its last finalizer goes.
    fn keep(&self, key: &Key, object: Value, options: &WriteOptions) -> Object {
        let key = &Key::of(key.kind, &object);
        let before = self.store.get(key);
        if let Some(before) = before.filter(|before| same(before, &object)) {
            return before;
        }
        if options.dry_run {
            return Object::new(object);
        }
        let stored = self.store.put(key, object);
        if super::deletion::is_finished(&stored, key.kind) {
            self.store.remove(key);
        }
        stored
    }

    fn writer<'a>(kind: &Kind, part: Part, options: &'a WriteOptions, time: &'a str) -> Writer<'a> {
        let subresource = if part == Part::Status { "status" } else { options.subresource };
        Writer { manager: &options.manager, subresource, api_version: kind.api_version(), time }
    }

    /// Now, as Kubernetes writes times.
    pub(crate) fn timestamp(&self) -> String {
        naming::timestamp(self.clock.now())
    }
}

/// Whether both are the same but for the times and resource version that a write stamps.
fn same(before: &Value, after: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        json::remove(&mut object, &["metadata", "resourceVersion"]);
        for owner in json::list_mut(&mut object, "/metadata/managedFields") {
            json::remove(owner, &["time"]);
        }
        object
    };
    bare(before) == bare(after)
}
