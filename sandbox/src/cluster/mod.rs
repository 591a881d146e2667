//! A small Kubernetes cluster: an API server, controllers and one node.
//!
//! - A request comes in at [`handlers`], is taken apart by [`request`], judged by [`auth`], and answered from the
//!   [`store`]; writes go through [`objects`], where merging, validation and admission happen.
//! - Whoever waits for changes (watches, [`controllers`], [`network`], [`node`]) follows the store's revision.
//!
//! Kept simple on purpose: field ownership is tracked per manager as sets of leaf paths ([`apply`]); autoscalers,
//! disruption budgets and network policies are stored and do nothing; the node isolates nothing.

mod addresses;
mod admission;
mod apply;
mod auth;
mod body;
mod conditions;
mod controllers;
mod defaults;
mod deletion;
mod discovery;
mod events;
mod fields;
mod handlers;
mod intake;
mod issuer;
mod json;
mod json_patch;
mod kinds;
mod logs;
mod merge_keys;
mod naming;
mod network;
mod node;
mod objects;
mod openapi;
mod patch;
mod pod_security;
mod protobuf;
mod proxy;
mod quantity;
mod quota;
mod removal;
mod request;
mod saved;
mod schema;
mod seeds;
mod selectors;
mod status;
mod store;
mod subresources;
mod table;
mod validate;
mod watch;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::task::JoinSet;

pub(crate) use saved::Saved;

use crate::clock::Clock;
use crate::random;
use crate::signing::SigningKey;
use crate::start::StartError;
use crate::world::{Addresses, Shared};

/// What this side of the world knows.
pub struct State {
    /// Signs service-account tokens; its key set is served at the cluster's issuer.
    pub signing: SigningKey,
    /// The static token of the cluster administrator; the folder's `kubeconfig` uses it.
    pub admin_token: String,
    store: store::Store,
    /// Held by whoever changes the store after having looked at it.
    writes: Mutex<()>,
    /// The system's own time: objects do not age when a test puts the sandbox's clock forward.
    clock: Clock,
    addresses: addresses::Addresses,
    network: network::Network,
    node: node::Node,
    stopping: tokio::sync::watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

impl State {
    /// The seeded world's cluster.
    pub fn seeded(_clock: &Clock) -> Result<Self, StartError> {
        let client =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let state = Self {
            signing: SigningKey::generate()?,
            admin_token: random::secret(),
            store: store::Store::default(),
            writes: Mutex::new(()),
            clock: Clock::default(),
            addresses: addresses::Addresses::default(),
            network: network::Network::new(client.map_err(|error| StartError::Cluster(error.to_string()))?),
            node: node::Node::default(),
            stopping: tokio::sync::watch::channel(false).0,
            tasks: Mutex::default(),
        };
        seeds::plant(&state).map_err(|failure| StartError::Cluster(failure.message))?;
        Ok(state)
    }
}

/// The issuer of the cluster's service-account tokens.
pub fn issuer(addresses: &Addresses) -> String {
    issuer::url(addresses)
}

/// A token for the service account `name` in `namespace`, as a projected volume would hold it.
pub fn service_account_token(
    shared: &Shared,
    namespace: &str,
    name: &str,
    audience: &str,
    lifetime: Duration,
) -> Result<String, StartError> {
    Ok(issuer::mint(shared, namespace, name, &[audience.to_owned()], lifetime)?)
}

/// The Google service account that a Kubernetes service account says it is, if it is there and says so:
/// `cloud.google.com/kubernetes-engine/docs/how-to/workload-identity`.
pub(crate) fn google_service_account(shared: &Shared, namespace: &str, name: &str) -> Option<String> {
    let key = store::Key::new(&kinds::SERVICE_ACCOUNT, namespace, name);
    let account = shared.cluster.store.get(&key)?;
    let email = json::text(&account, "/metadata/annotations/iam.gke.io~1gcp-service-account");
    Some(email.to_owned()).filter(|email| !email.is_empty())
}

/// Where the API server keeps `object`; `None` if it is of no kind that the cluster knows.
pub(crate) fn path_of(object: &serde_json::Value) -> Option<String> {
    let api_version = json::text(object, "/apiVersion");
    let name = json::text(object, "/metadata/name");
    let kind = kinds::ALL
        .iter()
        .find(|kind| kind.api_version() == api_version && kind.name == json::text(object, "/kind"))?;
    let root = if kind.group.is_empty() { "/api" } else { "/apis" };
    let namespace = match json::text(object, "/metadata/namespace") {
        _ if !kind.namespaced => String::new(),
        "" => "/namespaces/default".to_owned(),
        namespace => format!("/namespaces/{namespace}"),
    };
    (!name.is_empty()).then(|| format!("{root}/{api_version}{namespace}/{}/{name}", kind.plural))
}

/// The API server's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().fallback(handlers::answer).with_state(shared)
}

/// Starts the controllers and the node; returns once they are ready.
#[expect(clippy::unused_async, reason = "a start may have to wait; its callers are ready for that")]
pub(crate) async fn start(shared: Shared) -> Result<(), StartError> {
    node::clean(&shared.folder);
    let mut tasks = shared.cluster.tasks.lock().unwrap_or_else(PoisonError::into_inner);
    tasks.spawn(controllers::run(Shared::clone(&shared)));
    tasks.spawn(network::run(Shared::clone(&shared)));
    tasks.spawn(node::run(Shared::clone(&shared)));
    Ok(())
}

/// Ends the controllers and kills every process the node started. Called more than once; does not wait.
pub(crate) fn stop(shared: &Shared) {
    shared.cluster.stopping.send_replace(true);
    shared.cluster.node.kill_all();
}

/// Waits until the controllers and the node have ended and every process is gone.
pub(crate) async fn stopped(shared: &Shared) {
    stop(shared);
    let mut tasks = std::mem::take(&mut *shared.cluster.tasks.lock().unwrap_or_else(PoisonError::into_inner));
    while tasks.join_next().await.is_some() {}
}
