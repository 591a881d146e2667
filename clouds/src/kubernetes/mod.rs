//! The cluster: objects by server-side apply, requests to services through the API server's proxy, and setting it up.
//!
//! A caller reaches it by the address that Kubernetes Engine gives and a header that [`identity`] renews; an
//! administrator may come with a kubeconfig instead.

mod api;
mod connect;
mod kinds;
mod rbac;
mod set_up;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bridge::plan::FIELD_MANAGER;
use bridge::port::{ObjectKey, ObjectKind, PortResult, ProxyReply, Refused};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::error;
use api::{Api, Body};

pub use set_up::SetUp;

pub(crate) const SERVICE: &str = "Kubernetes";

/// One cluster, spoken to as one caller.
#[derive(Clone)]
pub struct Cluster {
    api: Api,
    /// The caller, for people.
    who: String,
}

/// Whether fields of other managers are taken from them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Force {
    Yes,
    No,
}

impl Cluster {
    /// Who speaks, for people.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// The issuer of service-account tokens, as the API server tells it; `None` if it does not.
    pub async fn issuer(&self) -> PortResult<Option<String>> {
        let discovery = self.api.json(Method::GET, "/.well-known/openid-configuration", Body::Nothing).await;
        match discovery {
            Ok(document) => Ok(document.get("issuer").and_then(Value::as_str).map(str::to_owned)),
            Err(refused) if refused.is_transient() => Err(refused),
            Err(refused) => {
                tracing::debug!(%refused, "the cluster's issuer cannot be read");
                Ok(None)
            }
        }
    }

    /// Server-side apply with our field manager.
    async fn apply_with(&self, object: &Value, force: Force) -> PortResult<Value> {
        let nameless =
            || error::own(SERVICE, Refused::Invalid, "an object without kind or name cannot be applied");
        let key = kinds::key_of(object).ok_or_else(nameless)?;
        let force = if force == Force::Yes { "true" } else { "" };
        let query = query(&[("fieldManager", FIELD_MANAGER), ("force", force)]);
        let path = format!("{}?{query}", kinds::path(&key));
        let mut stored = self.api.json(Method::PATCH, &path, Body::Apply(object)).await?;
        kinds::name_kind(&mut stored, &key.kind);
        Ok(stored)
    }

    async fn find(&self, path: &str, kind: &ObjectKind) -> PortResult<Option<Value>> {
        match self.api.json(Method::GET, path, Body::Nothing).await {
            Ok(mut object) => {
                kinds::name_kind(&mut object, kind);
                Ok(Some(object))
            }
            Err(refused) if refused.kind == Refused::NotFound => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// All objects of one kind, in one namespace or in all of them, over all pages.
    async fn list_where(
        &self,
        kind: &ObjectKind,
        namespace: Option<&str>,
        selector: &str,
    ) -> PortResult<Vec<Value>> {
        let path = kinds::list_path(kind, namespace);
        let mut objects = Vec::new();
        let mut next = String::new();
        loop {
            let query = query(&[("labelSelector", selector), ("limit", "250"), ("continue", &next)]);
            let mut page = self.api.json(Method::GET, &format!("{path}?{query}"), Body::Nothing).await?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                objects.extend(items.into_iter().map(|mut item| {
                    kinds::name_kind(&mut item, kind);
                    item
                }));
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str) {
                Some(more) if !more.is_empty() && more != next => more.clone_into(&mut next),
                _ => return Ok(objects),
            }
        }
    }
}

impl bridge::port::Cluster for Cluster {
    async fn apply(&self, object: &Value) -> PortResult<Value> {
        // What others changed in fields that we declare is drift, and taken back.
        self.apply_with(object, Force::Yes).await
    }

    async fn get(&self, key: &ObjectKey) -> PortResult<Option<Value>> {
        self.find(&kinds::path(key), &key.kind).await
    }

    async fn list(
        &self,
        kind: &ObjectKind,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> PortResult<Vec<Value>> {
        self.list_where(kind, Some(namespace), &selector(labels)).await
    }

    async fn delete(&self, key: &ObjectKey) -> PortResult<()> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground",
        });
        match self.api.json(Method::DELETE, &kinds::path(key), Body::Json(&options)).await {
            Err(refused) if refused.kind != Refused::NotFound => Err(refused),
            _ => Ok(()),
        }
    }

    async fn through_proxy(
        &self,
        namespace: &str,
        service: &str,
        path: &str,
        body: Option<Bytes>,
    ) -> PortResult<ProxyReply> {
        let path = path.trim_start_matches('/');
        let path = format!("/api/v1/namespaces/{namespace}/services/{service}/proxy/{path}");
        let (method, body) = match body {
            Some(body) => (Method::POST, Body::Raw(body)),
            None => (Method::GET, Body::Nothing),
        };
        let reply = self.api.send(method, &path, body).await?;
        // The API server's own refusals are `Status` objects; anything else is the service's answer.
        match reply.refusal_of_the_server() {
            Some(refused) => Err(refused),
            None => Ok(ProxyReply { status: reply.status, body: reply.body }),
        }
    }
}

/// A label selector that wants every one of `labels`.
fn selector(labels: &BTreeMap<String, String>) -> String {
    let all: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    all.join(",")
}

/// A query string of the pairs that have a value.
fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    query.finish()
}
