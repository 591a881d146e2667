//! The API server's front: every request is taken apart, authenticated, authorized, and answered from the store.

use axum::extract::{Request, State as Shares};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use trust::rbac::Attributes;

use super::auth::{self, User};
use super::json::{remove, set, text};
use super::kinds::Storage;
use super::objects::{Part, UnknownFields, WriteOptions, Written};
use super::request::{Objects, Query, Target, verb};
use super::selectors::Selector;
use super::status::Failure;
use super::store::{Key, Object};
use super::watch::{self, Watched};
use super::{body, discovery, issuer, json_patch, openapi, patch, subresources, table};
use crate::serve::Expired;
use crate::world::Shared;

/// The patches that are taken.
const PATCHES: &str = "application/json-patch+json, application/merge-patch+json, \
                       application/strategic-merge-patch+json, application/apply-patch+yaml";

/// One request for objects, ready to be answered.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) user: &'a User,
    /// What was authorized.
    asked: Attributes,
    pub(crate) target: &'a Objects,
    pub(crate) query: &'a Query,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Answers any request.
pub(crate) async fn answer(Shares(shared): Shares<Shared>, request: Request) -> Response {
    let head = request.method() == Method::HEAD;
    let response = respond(&shared, request).await.unwrap_or_else(IntoResponse::into_response);
    if head { response.map(|_| axum::body::Body::empty()) } else { response }
}

async fn respond(shared: &Shared, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if let Some(document) = open_document(shared, path) {
        return Ok(axum::Json(document).into_response());
    }
    let user = auth::authenticate(shared, &parts.headers, parts.extensions.get::<Expired>().is_some())?;
    let target = match Target::parse(path).ok_or_else(Failure::no_such_path)? {
        Target::Document(path) => return guarded_document(shared, &path),
        Target::Objects(target) => target,
    };
    let query = Query::of(&parts.uri);
    let asked = attributes(&user, &target, &parts, &query);
    auth::authorize(shared, &user, &asked)?;
    let body = body::read(body).await?;
    let Parts { method, headers, .. } = parts;
    let call = Call { shared, user: &user, asked, target: &target, query: &query, method, headers, body };
    call.answer().await
}

/// What anybody may read.
fn open_document(shared: &Shared, path: &str) -> Option<Value> {
    match path {
        "/healthz" | "/livez" | "/readyz" => Some(json!("ok")),
        _ => issuer::document(shared, path),
    }
}

/// What every known user may read.
fn guarded_document(shared: &Shared, path: &str) -> Result<Response, Failure> {
    let address = shared.addresses().map(|addresses| addresses.cluster.to_string()).unwrap_or_default();
    let document = discovery::document(path, &address).or_else(|| openapi::document(path));
    let document = document.ok_or_else(Failure::no_such_path)?;
    Ok(axum::Json(document).into_response())
}

fn attributes(user: &User, target: &Objects, parts: &Parts, query: &Query) -> Attributes {
    // A namespace's own name is also the namespace it is judged in.
    let own = target.name.clone().filter(|_| target.kind.plural == "namespaces");
    let bare = |name: &String| match target.subresource.as_deref() {
        Some("proxy") => super::proxy::service_name(name).to_owned(),
        _ => name.clone(),
    };
    Attributes {
        user: user.name.clone(),
        groups: user.groups.clone(),
        verb: verb(&parts.method, target, query).to_owned(),
        api_group: target.kind.group.to_owned(),
        resource: target.kind.plural.to_owned(),
        subresource: target.subresource.clone(),
        namespace: target.namespace.clone().or(own),
        name: target.name.as_ref().map(bare),
        non_resource_url: None,
    }
}

impl Call<'_> {
    async fn answer(&self) -> Result<Response, Failure> {
        if self.target.subresource.is_some() {
            return subresources::answer(self).await;
        }
        if self.target.kind.storage == Storage::Answered {
            return subresources::review(self);
        }
        match (self.method.as_str(), &self.target.name) {
            ("GET" | "HEAD", None) => self.list(),
            ("GET" | "HEAD", Some(_)) => self.get(),
            ("POST", None) => self.create(),
            ("PUT", Some(_)) => self.replace(),
            ("PATCH", Some(_)) => self.patch(Part::Main),
            ("DELETE", Some(name)) => self.delete(name),
            ("DELETE", None) => self.delete_all(),
            _ => Err(Failure::method_not_allowed()),
        }
    }

    /// The key of the one object that is asked for.
    pub(crate) fn key(&self) -> Key {
        let name = self.target.name.as_deref().unwrap_or_default();
        Key::new(self.target.kind, self.target.namespace.as_deref().unwrap_or_default(), name)
    }

    /// The one object that is asked for.
    pub(crate) fn stored(&self) -> Result<Object, Failure> {
        let key = self.key();
        self.shared.cluster.store.get(&key).ok_or_else(|| Failure::not_found(key.kind, &key.name))
    }

    fn get(&self) -> Result<Response, Failure> {
        let object = self.stored()?;
        if self.query.truth("watch") {
            return self.watch(&format!("metadata.name={}", text(&object, "/metadata/name")));
        }
        if table::wanted(&self.headers) {
            let version = text(&object, "/metadata/resourceVersion");
            return Ok(axum::Json(table::of(
                self.target.kind,
                std::slice::from_ref(&object),
                version,
                self.shared.cluster.clock.now(),
            ))
            .into_response());
        }
        Ok(axum::Json(&*object).into_response())
    }

    fn list(&self) -> Result<Response, Failure> {
        if self.query.truth("watch") {
            return self.watch(self.query.text("fieldSelector"));
        }
        let selector = Selector::parse(self.query.text("labelSelector"), self.query.text("fieldSelector"))?;
        let (mut objects, revision) =
            self.shared.cluster.store.list(self.target.kind, self.target.namespace.as_deref());
        objects.retain(|object| selector.matches(object));
        if table::wanted(&self.headers) {
            return Ok(axum::Json(table::of(
                self.target.kind,
                &objects,
                &revision.to_string(),
                self.shared.cluster.clock.now(),
            ))
            .into_response());
        }
        Ok(axum::Json(self.list_of(&objects, revision)).into_response())
    }

    /// Items of a list carry no `apiVersion` and `kind` of their own, as with Kubernetes' built-in kinds.
    pub(super) fn list_of(&self, objects: &[Object], revision: u64) -> Value {
        let bare = |object: &Object| {
            let mut item = Value::clone(object);
            remove(&mut item, &["apiVersion"]);
            remove(&mut item, &["kind"]);
            item
        };
        json!({
            "kind": format!("{}List", self.target.kind.name),
            "apiVersion": self.target.kind.api_version(),
            "metadata": { "resourceVersion": revision.to_string() },
            "items": objects.iter().map(bare).collect::<Vec<_>>(),
        })
    }

    fn watch(&self, fields: &str) -> Result<Response, Failure> {
        let watched = Watched {
            kind: self.target.kind,
            namespace: self.target.namespace.clone(),
            selector: Selector::parse(self.query.text("labelSelector"), fields)?,
            as_table: table::wanted(&self.headers),
        };
        Ok(watch::answer(self.shared, watched, self.query))
    }

    fn create(&self) -> Result<Response, Failure> {
        if self.target.kind.namespaced && self.target.namespace.is_none() {
            return Err(Failure::method_not_allowed());
        }
        let object = body::object(&self.headers, &self.body)?;
        let namespace = self.target.namespace.as_deref().unwrap_or_default();
        written(self.shared.cluster.create(self.target.kind, namespace, object, &self.options()))
    }

    fn replace(&self) -> Result<Response, Failure> {
        let object = body::object(&self.headers, &self.body)?;
        written(self.shared.cluster.replace(&self.key(), Part::Main, object, &self.options()))
    }

    /// Every kind of patch.
    pub(crate) fn patch(&self, part: Part) -> Result<Response, Failure> {
        let (state, key, options) = (&self.shared.cluster, self.key(), self.options());
        let media_type = body::media_type(&self.headers);
        if media_type == "application/apply-patch+yaml" {
            if self.query.text("fieldManager").is_empty() {
                return Err(no_field_manager());
            }
            let applied = self.applied(&key)?;
            if state.store.get(&key).is_none() {
                // Whoever applies what is not there yet creates it, and must be allowed to.
                let create = Attributes { verb: "create".to_owned(), ..self.asked.clone() };
                auth::authorize(self.shared, self.user, &create)?;
            }
            return written(state.apply(&key, part, applied, self.query.truth("force"), &options));
        }
        let change = match media_type {
            "application/json-patch+json" => json_patch::apply,
            "application/merge-patch+json" => infallible_merge,
            "application/strategic-merge-patch+json" => infallible_strategic_merge,
            _ => return Err(Failure::unsupported_media(PATCHES)),
        };
        let patch = body::json(&self.body)?;
        let refused = |why: String| Failure::invalid_patch(&why);
        written(state.modify(&key, part, &options, |object| change(object, &patch).map_err(refused)))
    }

    /// The applied object, named as the address names it.
    fn applied(&self, key: &Key) -> Result<Value, Failure> {
        let mut applied = body::yaml(&self.body)?;
        let name = text(&applied, "/metadata/name");
        if !name.is_empty() && name != key.name {
            let why = format!("name in URL does not match name in provided object: {} != {name}", key.name);
            return Err(Failure::bad_request(why));
        }
        if applied.pointer("/metadata/managedFields").is_some_and(|owners| *owners != json!([])) {
            return Err(Failure::bad_request("metadata.managedFields must be nil"));
        }
        if applied.is_object() {
            set(&mut applied, &["metadata", "name"], json!(key.name));
        }
        Ok(applied)
    }

    /// How this request wants to write.
    pub(crate) fn options(&self) -> WriteOptions {
        let agent =
            self.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
        let manager = match self.query.text("fieldManager") {
            "" => agent.split('/').next().unwrap_or("unknown"),
            manager => manager,
        };
        WriteOptions {
            manager: manager.to_owned(),
            subresource: "",
            dry_run: self.query.text("dryRun") == "All",
            unknown: match self.query.text("fieldValidation") {
                "Strict" => UnknownFields::Strict,
                "Ignore" => UnknownFields::Ignore,
                _ => UnknownFields::Warn,
            },
        }
    }
}

/// The answer to a write.
pub(crate) fn written(written: Result<Written, Failure>) -> Result<Response, Failure> {
    let Written { object, created, warnings } = written?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, axum::Json(&*object)).into_response();
    for warning in warnings {
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {}", json!(warning))) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    Ok(response)
}

#[expect(clippy::unnecessary_wraps, reason = "one of several patches, of which some can fail")]
fn infallible_merge(object: &mut Value, patch: &Value) -> Result<(), String> {
    patch::merge_patch(object, patch);
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "one of several patches, of which some can fail")]
fn infallible_strategic_merge(object: &mut Value, patch: &Value) -> Result<(), String> {
    patch::strategic_merge_patch(object, patch);
    Ok(())
}

fn no_field_manager() -> Failure {
    let mut failure = Failure::bad_request(
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
    );
    failure.code = 422;
    failure.reason = "Invalid";
    failure
}
