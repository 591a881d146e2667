//! The administrator at the services' own doors: a world comes in as everything else does, so that nothing impossible
//! can be in it.

use http::Method;
use serde_json::{Value, json};

use crate::azure::{self, GRAPH, RESOURCE_MANAGER};
use crate::services::{self, Scheme};
use crate::world::Shared;

/// A door, and who stands at it.
pub(super) struct Door<'a> {
    pub(super) shared: &'a Shared,
    google: String,
}

impl<'a> Door<'a> {
    /// Logs the administrator in.
    pub(super) async fn open(shared: &'a Shared) -> Result<Self, String> {
        let mut door = Self { shared, google: String::new() };
        let known = shared.google.administrator_credentials();
        let log_in = json!({
            "grant_type": "refresh_token",
            "client_id": known.client_id,
            "client_secret": known.client_secret,
            "refresh_token": known.refresh_token,
        });
        let answer = door.ask("oauth2", &Method::POST, "/token", Some(&log_in)).await?;
        answer.get("access_token").and_then(Value::as_str).unwrap_or_default().clone_into(&mut door.google);
        Ok(door)
    }

    /// The answer to a request; a refusal becomes its own words.
    pub(super) async fn ask(
        &self,
        service: &str,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let (status, answer) = self.send(service, method, path, body).await?;
        if (200..300).contains(&status) { Ok(answer) } else { Err(refusal(service, status, &answer)) }
    }

    /// Status and answer.
    pub(super) async fn send(
        &self,
        service: &str,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), String> {
        let address = self.address(service).ok_or_else(|| format!("no service `{service}`"))?;
        let scheme = if services::scheme(service) == Scheme::Https { "https" } else { "http" };
        let url = format!("{scheme}://{address}{path}");
        let mut request = self.shared.client.request(method.clone(), url);
        if let Some(token) = self.token(service) {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            let applied = service == "cluster" && method == Method::PATCH;
            let kind = if applied { "application/apply-patch+yaml" } else { "application/json" };
            request = request.header("content-type", kind).body(body.to_string());
        }
        let reply = request.send().await.map_err(|error| format!("{service} does not answer: {error}"))?;
        let status = reply.status().as_u16();
        let text = reply.text().await.map_err(|error| format!("{service} does not answer: {error}"))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    fn address(&self, service: &str) -> Option<String> {
        let addresses = json!(self.shared.addresses()?);
        addresses.get(service)?.as_str().map(str::to_owned)
    }

    fn token(&self, service: &str) -> Option<String> {
        match service {
            "graph" => azure::administrator_token(self.shared, &GRAPH),
            "resource_manager" => azure::administrator_token(self.shared, &RESOURCE_MANAGER),
            "cluster" => Some(self.shared.cluster.admin_token.clone()),
            "entra" | "oauth2" | "sts" => None,
            _ => Some(self.google.clone()),
        }
    }
}

pub(super) fn refusal(service: &str, status: u16, answer: &Value) -> String {
    let words = ["/error/message", "/message", "/error_description"];
    let words = words.iter().find_map(|at| answer.pointer(at)?.as_str());
    let words = words.map_or_else(|| answer.to_string(), str::to_owned);
    format!("{service} refuses it with {status}: {words}")
}
