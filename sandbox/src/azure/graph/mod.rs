//! Microsoft Graph v1.0: applications, service principals, app-role assignments, federated credentials, groups, users.

mod api;
mod applications;
mod assignments;
mod credentials;
mod list;
mod principals;
mod refusal;
mod rights;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value};

use self::refusal::Refusal;
use self::rights::Right;
use super::bearer::{self, Caller};
use super::first_party::GRAPH;
use super::wire::{Pairs, insert_header, segments};
use crate::random;
use crate::world::Shared;

/// The service's routes: Graph addresses things by path and by key, which no route pattern can say.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

/// One authenticated request.
struct Call<'a> {
    shared: &'a Shared,
    caller: Caller,
    query: Pairs,
    path: String,
    body: Value,
}

/// What a request comes to.
enum Done {
    Found(Value),
    Created(Value),
    Empty,
}

async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = match bearer::caller(&shared, &GRAPH, &parts.headers, &parts.extensions) {
        Ok(caller) => caller,
        Err(why) => return Refusal::unauthenticated(&why).respond(&shared),
    };
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
    let answer = body.map_err(|error| Refusal::unreadable(&error)).and_then(|body| {
        let body = without_types(body);
        let path = parts.uri.path().to_owned();
        let call = Call { shared: &shared, caller, query: Pairs::of(&parts.uri), path, body };
        call.dispatch(&parts.method)
    });
    let mut response = match answer {
        Ok(Done::Found(value)) => Json(value).into_response(),
        Ok(Done::Created(value)) => (StatusCode::CREATED, Json(value)).into_response(),
        Ok(Done::Empty) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refusal.respond(&shared),
    };
    insert_header(&mut response, "request-id", &random::uuid());
    response
}

impl Call<'_> {
    fn dispatch(&self, method: &Method) -> Result<Done, Refusal> {
        let segments = segments(&self.path);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Some((&"v1.0", rest)) = segments.split_first() else {
            return Err(Refusal::no_segment(segments.first().copied().unwrap_or_default()));
        };
        let Some((set, below)) = rest.split_first() else { return Err(Refusal::no_segment("v1.0")) };
        let (set, key) = split_key(set);
        let mut below = below.to_vec();
        if let Some(key) = &key {
            below.insert(0, key);
        }
        self.allow(method, set, &below)?;
        match set {
            "applications" => self.applications(method, &below),
            "servicePrincipals" => self.service_principals(method, &below),
            "groups" => self.groups(method, &below),
            "users" => self.users(method, &below),
            "directoryObjects" if *method == Method::POST && below == ["getByIds"] => self.by_ids(),
            other => Err(Refusal::no_segment(other)),
        }
    }

    fn allow(&self, method: &Method, set: &str, below: &[&str]) -> Result<(), Refusal> {
        let assigning = below.iter().any(|segment| segment.starts_with("appRole"));
        let reads = method == Method::GET || below.last() == Some(&"getByIds");
        let right = match (reads, assigning, set) {
            (true, _, "groups") => Right::ReadGroups,
            (true, _, "users") => Right::ReadUsers,
            (true, ..) => Right::ReadApplications,
            (false, true, _) => Right::AssignRoles,
            (false, false, _) => Right::WriteApplications,
        };
        if right.is_held_by(&self.caller) { Ok(()) } else { Err(Refusal::denied()) }
    }

    /// Objects by their ids, of the wanted types: <https://learn.microsoft.com/graph/api/directoryobject-getbyids>. Ids
    /// that nobody has are left out.
    fn by_ids(&self) -> Result<Done, Refusal> {
        let texts = |name: &str| -> Vec<String> {
            let all = self.body.get(name).and_then(Value::as_array).into_iter().flatten();
            all.filter_map(|one| one.as_str().map(str::to_lowercase)).collect()
        };
        let (ids, types) = (texts("ids"), texts("types"));
        if ids.is_empty() || ids.len() > 1000 {
            return Err(Refusal::invalid_value("ids"));
        }
        let wanted = |kind: &str| types.is_empty() || types.iter().any(|one| *one == kind.to_lowercase());
        let directory = self.shared.azure.directory();
        let principals =
            directory.service_principals.iter().map(|it| ("servicePrincipal", &it.id, shown(it)));
        let groups = directory.groups.iter().map(|it| ("group", &it.id, shown(it)));
        let users = directory.users.iter().map(|it| ("user", &it.id, shown(it)));
        let mut found = Vec::new();
        for (kind, id, shown) in principals.chain(groups).chain(users) {
            if wanted(kind) && ids.contains(&id.to_lowercase()) {
                let mut object = shown?;
                if let Some(fields) = object.as_object_mut() {
                    fields.insert("@odata.type".to_owned(), format!("#microsoft.graph.{kind}").into());
                }
                found.push(object);
            }
        }
        let base = self.shared.addresses().map(|it| format!("https://{}", it.graph)).unwrap_or_default();
        let context = format!("{base}/v1.0/$metadata#directoryObjects");
        Ok(Done::Found(serde_json::json!({ "@odata.context": context, "value": found })))
    }

    fn groups(&self, method: &Method, below: &[&str]) -> Result<Done, Refusal> {
        let directory = self.shared.azure.directory();
        match (method, below) {
            (&Method::GET, []) => self.list("groups", directory.groups.iter()),
            (&Method::GET, [id]) => {
                let group = directory.groups.iter().find(|group| group.id.eq_ignore_ascii_case(id));
                found(group.ok_or_else(|| Refusal::not_found(id))?)
            }
            _ => Err(Refusal::no_segment(below.last().copied().unwrap_or("groups"))),
        }
    }

    fn users(&self, method: &Method, below: &[&str]) -> Result<Done, Refusal> {
        let directory = self.shared.azure.directory();
        match (method, below) {
            (&Method::GET, []) => self.list("users", directory.users.iter()),
            (&Method::GET, [key]) => found(directory.user(key).ok_or_else(|| Refusal::not_found(key))?),
            _ => Err(Refusal::no_segment(below.last().copied().unwrap_or("users"))),
        }
    }

    /// The body as an object, for creating and changing things.
    fn object(&self) -> Result<&Map<String, Value>, Refusal> {
        let missing =
            || Refusal::bad_request("Request_BadRequest", "Write requests must contain the object's value.");
        self.body.as_object().ok_or_else(missing)
    }
}

/// `@odata.type` says what a reader can see anyway; Microsoft's SDKs write it into every object they send.
/// <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ControlInformationtypeodatatype>
fn without_types(body: Value) -> Value {
    match body {
        Value::Object(all) => {
            let told = all.into_iter().filter(|(name, _)| !name.ends_with("@odata.type"));
            told.map(|(name, value)| (name, without_types(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(all) => all.into_iter().map(without_types).collect(),
        other => other,
    }
}

/// Splits `applications(appId='x')` into the set and the key `appId=x`, which is then treated as an id.
fn split_key(segment: &str) -> (&str, Option<String>) {
    match segment.split_once('(') {
        Some((set, key)) => (set, Some(key.trim_end_matches(')').replace('\'', ""))),
        None => (segment, None),
    }
}

/// Whether `key` (an object id, or `appId=…`) names the thing with these ids.
fn is_named(key: &str, id: &str, app_id: &str) -> bool {
    match key.strip_prefix("appId=") {
        Some(key) => key.eq_ignore_ascii_case(app_id),
        None => key.eq_ignore_ascii_case(id),
    }
}

fn found(value: &impl serde::Serialize) -> Result<Done, Refusal> {
    shown(value).map(Done::Found)
}

fn created(value: &impl serde::Serialize) -> Result<Done, Refusal> {
    shown(value).map(Done::Created)
}

fn shown(value: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| Refusal::unreadable(&error))
}
