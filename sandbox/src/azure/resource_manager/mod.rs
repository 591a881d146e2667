//! Azure Resource Manager: the subscription, Azure ML's control plane, role assignments. Paths are compared without
//! case, as Azure does; every request is authorized by action and scope.

mod authorization;
mod machine_learning;
mod managed_identity;
mod refusal;
mod registries;
mod storage;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use self::refusal::Refusal;
use super::bearer::{self, Caller};
use super::first_party::RESOURCE_MANAGER;
use super::roles::{self, Plane};
use super::wire::{Pairs, insert_header, segments};
use crate::world::Shared;
use crate::{random, seed};

/// Where a scope ends and Microsoft.Authorization begins.
const AUTHORIZATION: &str = "/providers/microsoft.authorization/";

/// The service's routes: scopes are open-ended, no route pattern can say them.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

/// One authenticated request.
struct Call<'a> {
    shared: &'a Shared,
    caller: Caller,
    method: Method,
    path: String,
    query: Pairs,
    body: Value,
}

type Answer = Result<(StatusCode, Value), Refusal>;

async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = match bearer::caller(&shared, &RESOURCE_MANAGER, &parts.headers, &parts.extensions) {
        Ok(caller) => caller,
        Err(why) => return Refusal::unauthenticated(&why).respond(&shared),
    };
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let path = format!("/{}", segments(registries::front_end(parts.uri.path())).join("/"));
    let _write = match managed_identity::begin_write(&shared, &parts.method, &path).await {
        Ok(write) => write,
        Err(refusal) => return refusal.respond(&shared),
    };
    let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
    let answer = body
        .map_err(|error| {
            let message =
                format!("The request content was invalid and could not be deserialized: '{error}'.");
            Refusal::bad_request("InvalidRequestContent", message)
        })
        .and_then(|body| {
            let query = Pairs::of(&parts.uri);
            Call { shared: &shared, caller, method: parts.method, path, query, body }.dispatch()
        });
    let mut response = match answer {
        Ok((StatusCode::NO_CONTENT, _)) => StatusCode::NO_CONTENT.into_response(),
        Ok((status, value)) => (status, Json(value)).into_response(),
        Err(refusal) => refusal.respond(&shared),
    };
    insert_header(&mut response, "x-ms-request-id", &random::uuid());
    insert_header(&mut response, "x-ms-correlation-request-id", &random::uuid());
    response
}

impl Call<'_> {
    fn dispatch(&self) -> Answer {
        if let Some(name) = registries::discovered(&self.path) {
            return self.discovery(name);
        }
        check_version(self.query.get("api-version"))?;
        let lower = self.path.to_ascii_lowercase();
        if let Some(at) = lower.rfind(AUTHORIZATION) {
            let (scope, rest) = (self.path.get(..at), self.path.get(at + AUTHORIZATION.len()..));
            return self.authorization(scope.unwrap_or_default(), rest.unwrap_or_default());
        }
        let parts: Vec<&str> = self.path.split('/').skip(1).collect();
        match parts.as_slice() {
            [subscriptions] if subscriptions.eq_ignore_ascii_case("subscriptions") => self.subscriptions(),
            [subscriptions, subscription, rest @ ..]
                if subscriptions.eq_ignore_ascii_case("subscriptions") =>
            {
                check_subscription(subscription)?;
                self.in_subscription(rest)
            }
            _ => Err(self.no_such_path()),
        }
    }

    /// The subscriptions in which the caller has any role, somewhere.
    /// <https://learn.microsoft.com/rest/api/resources/subscriptions/list>
    fn subscriptions(&self) -> Answer {
        if self.method != Method::GET {
            return Err(Refusal::method(&self.method));
        }
        let scope = format!("/subscriptions/{}", seed::SUBSCRIPTION);
        let assignments = self.shared.azure.assignments_in_force();
        let any = assignments.iter().any(|it| {
            let mine = self.caller.principals.contains(&it.principal_id);
            mine && (it.covers(&scope) || roles::is_within(&it.scope, &scope))
        });
        drop(assignments);
        self.page(if any { vec![subscription_shown()] } else { Vec::new() })
    }

    fn in_subscription(&self, rest: &[&str]) -> Answer {
        let scope = format!("/subscriptions/{}", seed::SUBSCRIPTION);
        match rest {
            [] => {
                self.read("Microsoft.Resources/subscriptions/read", &scope)?;
                Ok((StatusCode::OK, subscription_shown()))
            }
            [groups, group, rest @ ..] if groups.eq_ignore_ascii_case("resourceGroups") => {
                self.in_resource_group(group, rest)
            }
            _ => Err(self.no_such_path()),
        }
    }

    fn in_resource_group(&self, group: &str, rest: &[&str]) -> Answer {
        let scope = format!("/subscriptions/{}/resourceGroups/{group}", seed::SUBSCRIPTION);
        let machine_learning = "Microsoft.MachineLearningServices";
        match rest {
            [] => {
                self.read("Microsoft.Resources/subscriptions/resourceGroups/read", &scope)?;
                check_group(group)?;
                Ok((
                    StatusCode::OK,
                    json!({
                        "id": scope,
                        "name": seed::RESOURCE_GROUP,
                        "type": "Microsoft.Resources/resourceGroups",
                        "location": seed::REGION,
                        "properties": { "provisioningState": "Succeeded" },
                    }),
                ))
            }
            [providers, provider, rest @ ..]
                if providers.eq_ignore_ascii_case("providers")
                    && provider.eq_ignore_ascii_case(managed_identity::PROVIDER) =>
            {
                self.managed_identities(group, rest)
            }
            [providers, provider, workspaces, workspace, rest @ ..]
                if providers.eq_ignore_ascii_case("providers")
                    && provider.eq_ignore_ascii_case(machine_learning)
                    && workspaces.eq_ignore_ascii_case("workspaces") =>
            {
                let scope = format!("{scope}/providers/{machine_learning}/workspaces/{workspace}");
                self.in_workspace(group, workspace, &scope, rest)
            }
            [providers, provider, registries, registry, rest @ ..]
                if providers.eq_ignore_ascii_case("providers")
                    && provider.eq_ignore_ascii_case(machine_learning)
                    && registries.eq_ignore_ascii_case("registries") =>
            {
                self.in_registry(group, registry, rest)
            }
            [providers, provider, accounts, account]
                if providers.eq_ignore_ascii_case("providers")
                    && provider.eq_ignore_ascii_case("Microsoft.Storage")
                    && accounts.eq_ignore_ascii_case("storageAccounts") =>
            {
                self.storage_account(group, account)
            }
            [providers, provider, registries, registry]
                if providers.eq_ignore_ascii_case("providers")
                    && provider.eq_ignore_ascii_case("Microsoft.ContainerRegistry")
                    && registries.eq_ignore_ascii_case("registries") =>
            {
                self.container_registry(group, registry)
            }
            _ => Err(self.no_such_path()),
        }
    }

    /// Refuses anything but GET, and GET unless the caller may do `action` at `scope`.
    fn read(&self, action: &str, scope: &str) -> Result<(), Refusal> {
        if self.method != Method::GET {
            return Err(Refusal::method(&self.method));
        }
        self.require(action, scope)
    }

    /// Refuses unless the caller may do `action` at `scope`.
    fn require(&self, action: &str, scope: &str) -> Result<(), Refusal> {
        let assignments = self.shared.azure.assignments_in_force();
        let grounds = roles::grounds(&assignments, &self.caller.principals, Plane::Control, action, scope);
        if grounds.is_empty() { Err(Refusal::denied(&self.caller, action, scope)) } else { Ok(()) }
    }

    fn no_such_path(&self) -> Refusal {
        Refusal::not_found("InvalidResourceType", format!("No resource type is served at '{}'.", self.path))
    }

    /// `items` as one page, with a link to the next.
    fn page(&self, items: Vec<Value>) -> Answer {
        let number = |name: &str| self.query.get(name).map(str::parse::<usize>).transpose();
        let invalid =
            |_| Refusal::bad_request("InvalidQueryParameterValue", "Page parameters must be numbers.");
        let skip = number("$skip").map_err(invalid)?.unwrap_or(0);
        let size = self.shared.azure.page_size();
        let size = number("$top").map_err(invalid)?.filter(|top| *top > 0).map_or(size, |top| top.min(size));
        let more = items.len() > skip + size;
        let base =
            self.shared.addresses().map(|it| format!("https://{}", it.resource_manager)).unwrap_or_default();
        let next = more.then(|| {
            let query = self.query.with("$skip", &(skip + size).to_string());
            format!("{base}{}?{query}", self.path.replace(' ', "%20"))
        });
        let page: Vec<Value> = items.into_iter().skip(skip).take(size).collect();
        Ok((StatusCode::OK, json!({ "value": page, "nextLink": next })))
    }
}

fn subscription_shown() -> Value {
    json!({
        "id": format!("/subscriptions/{}", seed::SUBSCRIPTION),
        "subscriptionId": seed::SUBSCRIPTION,
        "tenantId": seed::TENANT,
        "displayName": "Harbour sandbox",
        "state": "Enabled",
    })
}

fn check_version(version: Option<&str>) -> Result<(), Refusal> {
    let version = version.filter(|version| !version.is_empty()).ok_or_else(Refusal::no_api_version)?;
    let date = version.strip_suffix("-preview").unwrap_or(version);
    match date.parse::<jiff::civil::Date>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::wrong_api_version(version)),
    }
}

fn check_subscription(subscription: &str) -> Result<(), Refusal> {
    if subscription.eq_ignore_ascii_case(seed::SUBSCRIPTION) {
        return Ok(());
    }
    let message = format!("The subscription '{subscription}' could not be found.");
    Err(Refusal::not_found("SubscriptionNotFound", message))
}

fn check_group(group: &str) -> Result<(), Refusal> {
    if group.eq_ignore_ascii_case(seed::RESOURCE_GROUP) {
        return Ok(());
    }
    let message = format!("Resource group '{group}' could not be found.");
    Err(Refusal::not_found("ResourceGroupNotFound", message))
}
