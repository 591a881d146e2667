//! Workload identity pools and their OIDC providers, over IAM's REST API.

use std::collections::BTreeMap;

use bridge::convention::marked_for;
use bridge::import::Seen;
use bridge::inventory::{Observed, State};
use bridge::plan::{Action, Outputs};
use bridge::port::{PortError, PortResult, Refused};
use bridge::resource::{Pool, Provider, Resource};
use bridge::spec::Bridge;
use http::Method;
use serde_json::{Value, json};

use super::foreign;
use super::refusal::own;
use super::rest::Rest;

/// What we declare of a pool, as `updateMask`.
const POOL_FIELDS: &str = "description,disabled";
/// What we declare of a provider, as `updateMask`.
const PROVIDER_FIELDS: &str = "description,disabled,attributeMapping,attributeCondition,oidc.issuerUri,oidc.allowedAudiences,oidc.jwksJson";

/// Every living pool of the project, with its providers.
pub(super) async fn survey(rest: &Rest, bridge: &Bridge) -> PortResult<Vec<Seen>> {
    let mut seen = Vec::new();
    let show = |path: &str, value: &Value| Seen {
        resource: observed(bridge, path, value).resource,
        mark: marked_for(&text(value, "/description")).map(str::to_owned),
    };
    for pool in rest.list(&pools(bridge), "workloadIdentityPools").await?.iter().filter(|it| is_live(it)) {
        let path = pool_path(bridge, id(pool));
        seen.push(show(&path, pool));
        let providers = rest.list(&format!("{path}/providers"), "workloadIdentityPoolProviders").await?;
        // Providers of other kinds (AWS, SAML) trust no issuer.
        for provider in providers.iter().filter(|it| is_live(it) && it.get("oidc").is_some()) {
            seen.push(show(&format!("{path}/providers/{}", id(provider)), provider));
        }
    }
    Ok(seen)
}

/// The wanted pools and providers that exist (also deleted for now), and every other one that carries our mark.
pub(super) async fn observe(rest: &Rest, bridge: &Bridge, wanted: &[Resource]) -> PortResult<Vec<Observed>> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for pool in rest.list(&pools(bridge), "workloadIdentityPools").await? {
        if is_marked(bridge, &pool) && is_live(&pool) {
            found.insert(format!("{}/{}", pools(bridge), id(&pool)), pool);
        }
    }
    for path in wanted.iter().filter_map(|resource| path(bridge, resource)) {
        if let (false, Some(value)) = (found.contains_key(&path), rest.find(&path).await?) {
            found.insert(path, value);
        }
    }
    // Also of deleted pools: undeleting one brings its providers back to life.
    let ours: Vec<String> =
        found.iter().filter(|(path, value)| is_pool(path) && is_marked(bridge, value)).map(key).collect();
    for pool in ours {
        let providers = rest.list(&format!("{pool}/providers"), "workloadIdentityPoolProviders").await;
        let providers = match providers {
            Err(refusal) if refusal.kind == Refused::NotFound => continue,
            other => other?,
        };
        for provider in providers {
            if is_marked(bridge, &provider) && is_live(&provider) {
                found.insert(format!("{pool}/providers/{}", id(&provider)), provider);
            }
        }
    }
    Ok(found.iter().map(|(path, value)| observed(bridge, path, value)).collect())
}

fn key((path, _): (&String, &Value)) -> String {
    path.clone()
}

/// The path of a pool or provider; nothing for other resources.
fn path(bridge: &Bridge, resource: &Resource) -> Option<String> {
    match resource {
        Resource::Pool(pool) => Some(pool_path(bridge, &pool.id)),
        Resource::Provider(provider) => Some(provider_path(bridge, provider)),
        _ => None,
    }
}

fn pools(bridge: &Bridge) -> String {
    format!("projects/{}/locations/global/workloadIdentityPools", bridge.google.project)
}

fn pool_path(bridge: &Bridge, id: &str) -> String {
    format!("{}/{id}", pools(bridge))
}

fn provider_path(bridge: &Bridge, provider: &Provider) -> String {
    format!("{}/{}/providers/{}", pools(bridge), provider.pool, provider.id)
}

fn is_pool(path: &str) -> bool {
    !path.contains("/providers/")
}

fn id(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).and_then(|name| name.rsplit('/').next()).unwrap_or_default()
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_marked(bridge: &Bridge, value: &Value) -> bool {
    text(value, "/description") == bridge.mark()
}

fn is_live(value: &Value) -> bool {
    text(value, "/state") != "DELETED"
}

fn observed(bridge: &Bridge, path: &str, value: &Value) -> Observed {
    let disabled = value.get("disabled").and_then(Value::as_bool).unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default().to_owned();
    let resource = match path.rsplit_once("/providers/") {
        None => Resource::Pool(Pool { id: last, disabled }),
        Some((pool, id)) => {
            let pool = pool.rsplit('/').next().unwrap_or_default().to_owned();
            Resource::Provider(provider(pool, id.to_owned(), disabled, value))
        }
    };
    let state = if is_live(value) { State::Live } else { State::SoftDeleted };
    Observed { resource, marked: is_marked(bridge, value), state, holds: None }
}

fn provider(pool: String, id: String, disabled: bool, value: &Value) -> Provider {
    let audiences = value.pointer("/oidc/allowedAudiences").and_then(Value::as_array).into_iter().flatten();
    let mapping = value.get("attributeMapping").and_then(Value::as_object).into_iter().flatten();
    Provider {
        pool,
        id,
        issuer: text(value, "/oidc/issuerUri"),
        audiences: audiences.filter_map(|audience| audience.as_str().map(str::to_owned)).collect(),
        mapping: mapping.filter_map(|(name, term)| Some((name.clone(), term.as_str()?.to_owned()))).collect(),
        condition: text(value, "/attributeCondition"),
        uploaded_keys: !text(value, "/oidc/jwksJson").is_empty(),
        disabled,
    }
}

/// Creates, undeletes, updates or deletes a pool.
pub(super) async fn perform_pool(
    rest: &Rest,
    bridge: &Bridge,
    action: &Action,
    pool: &Pool,
) -> PortResult<()> {
    let body = json!({ "description": bridge.mark(), "disabled": pool.disabled });
    let place = Place {
        parent: pools(bridge),
        path: pool_path(bridge, &pool.id),
        id_parameter: "workloadIdentityPoolId",
        id: &pool.id,
        fields: POOL_FIELDS,
        what: format!("workload identity pool `{}`", pool.id),
    };
    place.perform(rest, bridge, action, &body).await
}

/// Creates, undeletes, updates or deletes a provider.
pub(super) async fn perform_provider(
    rest: &Rest,
    bridge: &Bridge,
    action: &Action,
    provider: &Provider,
    outputs: &Outputs,
) -> PortResult<()> {
    let place = Place {
        parent: format!("{}/providers", pool_path(bridge, &provider.pool)),
        path: provider_path(bridge, provider),
        id_parameter: "workloadIdentityPoolProviderId",
        id: &provider.id,
        fields: PROVIDER_FIELDS,
        what: format!("provider `{}` of pool `{}`", provider.id, provider.pool),
    };
    // A deletion needs no body, and its audience may name an application that is gone.
    let body =
        if super::is_deletion(action) { Value::Null } else { provider_body(bridge, provider, outputs)? };
    place.perform(rest, bridge, action, &body).await
}

fn provider_body(bridge: &Bridge, provider: &Provider, outputs: &Outputs) -> PortResult<Value> {
    let audiences =
        provider.audiences.iter().map(|audience| outputs.resolve(audience)).collect::<Result<Vec<_>, _>>();
    let audiences = audiences.map_err(|error| own("Google IAM", Refused::Invalid, error.to_string()))?;
    Ok(json!({
        "description": bridge.mark(),
        "disabled": provider.disabled,
        "attributeMapping": provider.mapping,
        "attributeCondition": provider.condition,
        "oidc": { "issuerUri": provider.issuer, "allowedAudiences": audiences },
    }))
}

/// Where a pool or provider is, and how IAM names it.
struct Place<'a> {
    parent: String,
    path: String,
    id_parameter: &'static str,
    id: &'a str,
    fields: &'static str,
    what: String,
}

impl Place<'_> {
    async fn perform(&self, rest: &Rest, bridge: &Bridge, action: &Action, body: &Value) -> PortResult<()> {
        match action {
            Action::Create { .. } => match self.create(rest, body).await {
                Err(refusal) if refusal.kind == Refused::Conflict => {
                    self.made_before(rest, bridge, body).await
                }
                outcome => outcome,
            },
            Action::Undelete { .. } => {
                let found = self.found(rest, bridge).await?;
                self.revive(rest, &found, body).await
            }
            Action::Adopt { .. } => {
                let found = rest.find(&self.path).await?.ok_or_else(|| self.changed(rest, "is gone"))?;
                self.revive(rest, &found, body).await
            }
            Action::Update { found, .. } => {
                let now = self.found(rest, bridge).await?;
                let as_found = observed(bridge, &self.path, &now).resource == *found;
                if !is_live(&now) || !(as_found || holds(&now, body)) {
                    return Err(self.changed(rest, "was changed"));
                }
                self.patch(rest, body).await
            }
            Action::Delete { .. } => self.delete(rest, bridge).await,
        }
    }

    /// It exists although the plan found nothing: made by this very request, whose answer was lost, or by another
    /// administrator. What differs is not overwritten: that takes a plan that shows it.
    async fn made_before(&self, rest: &Rest, bridge: &Bridge, body: &Value) -> PortResult<()> {
        let found = self.found(rest, bridge).await?;
        if is_live(&found) && holds(&found, body) { Ok(()) } else { Err(self.changed(rest, "was made")) }
    }

    /// What is there, if it is ours. Not even a deleted one is taken over without a mark: undeleting a pool brings its
    /// other providers back to life.
    async fn found(&self, rest: &Rest, bridge: &Bridge) -> PortResult<Value> {
        let found = rest.find(&self.path).await?.ok_or_else(|| self.changed(rest, "is gone"))?;
        if is_marked(bridge, &found) { Ok(found) } else { Err(foreign(rest.service, &self.what)) }
    }

    async fn revive(&self, rest: &Rest, found: &Value, body: &Value) -> PortResult<()> {
        if !is_live(found) {
            rest.operate(Method::POST, &format!("{}:undelete", self.path), &[], Some(&json!({}))).await?;
        }
        self.patch(rest, body).await
    }

    /// IAM has no etags for pools and providers: what the plan was made for is compared with what is there now.
    fn changed(&self, rest: &Rest, how: &str) -> PortError {
        own(rest.service, Refused::Conflict, format!("{} {how} since the plan was made", self.what))
    }

    async fn create(&self, rest: &Rest, body: &Value) -> PortResult<()> {
        rest.operate(Method::POST, &self.parent, &[(self.id_parameter, self.id)], Some(body)).await
    }

    async fn patch(&self, rest: &Rest, body: &Value) -> PortResult<()> {
        rest.operate(Method::PATCH, &self.path, &[("updateMask", self.fields)], Some(body)).await
    }

    async fn delete(&self, rest: &Rest, bridge: &Bridge) -> PortResult<()> {
        match rest.find(&self.path).await? {
            Some(found) if is_live(&found) && !is_marked(bridge, &found) => {
                Err(foreign(rest.service, &self.what))
            }
            Some(found) if is_live(&found) => rest.operate(Method::DELETE, &self.path, &[], None).await,
            _ => Ok(()),
        }
    }
}

/// Whether `found` has every field as `wanted` has it. What is false or empty need not be said.
fn holds(found: &Value, wanted: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), found) => {
            wanted.iter().all(|(name, wanted)| holds(found.get(name).unwrap_or(&Value::Null), wanted))
        }
        (Value::Bool(false), Value::Null) => true,
        (Value::String(text), Value::Null) => text.is_empty(),
        (Value::Array(items), Value::Null) => items.is_empty(),
        (wanted, found) => wanted == found,
    }
}
