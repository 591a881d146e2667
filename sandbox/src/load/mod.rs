//! Worlds from files: what `gangplank sandbox load` and `--world` bring in. docs/worlds.md describes the file.
//!
//! The text is read whole before anything is done. Directory, models, faults and clock are set directly; everything
//! that an API can make is asked for at that API, as the administrator.

mod directory;
mod door;
mod file;
mod google;
mod places;
mod rules;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use self::door::Door;
use self::file::{API_VERSION, KIND, WorldFile};
use crate::azure::models::Content;
use crate::fault::Armed;
use crate::google::Organisation;
use crate::world::{SERVICES, Shared};

/// One thing that is wrong with a world file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct Problem {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl Problem {
    fn at(location: &Location, message: impl Into<String>) -> Self {
        Self { line: location.line(), column: location.column(), message: message.into() }
    }
}

/// Brings the world that `text` describes into a running sandbox. Stops at the first request that a service refuses;
/// what came before it stays.
pub(crate) async fn load(shared: &Shared, text: &str) -> Result<(), Vec<Problem>> {
    let (file, armed) = read(shared, text)?;
    // The world is loaded in fair weather; faults strike those who come afterwards.
    let before = if file.amid_faults { BTreeMap::new() } else { shared.faults.take() };
    let forbidden = (!file.amid_faults).then(|| shared.google.forbid(Organisation::default()));
    let loaded = bring_in(shared, &file).await;
    if let Some(forbidden) = forbidden {
        shared.google.forbid(forbidden);
    }
    for (service, faults) in before {
        for fault in faults {
            let _was_armed_before = shared.faults.arm_for(&service, fault);
        }
    }
    loaded.map_err(|problem| vec![problem])?;
    if let Some(organisation) = &file.organisation {
        rules::organisation(shared, &organisation.value);
    }
    if let Some(scopes) = &file.node_scopes {
        shared.google.scope_nodes(scopes);
    }
    if let Some(closed) = file.storage_closed {
        shared.azure.close_storage(closed);
    }
    for (service, fault) in armed {
        let _was_checked = shared.faults.arm_for(&service, fault);
    }
    shared.clock.advance(Duration::from_secs(file.advance.into()));
    Ok(())
}

/// What `${NAME}` stands for, by name.
pub(crate) fn places(shared: &Shared) -> Vec<(String, String)> {
    places::known(shared)
}

/// Faults that a file arms, by service.
type Wanted = Vec<(String, Armed)>;

/// Reads the file and checks what can be checked without asking anybody.
fn read(shared: &Shared, text: &str) -> Result<(WorldFile, Wanted), Vec<Problem>> {
    let text = places::fill_in(shared, text)?;
    let file: WorldFile = serde_saphyr::from_str(&text).map_err(|error| {
        let message = error.without_snippet().to_string();
        let message = message.lines().next().unwrap_or_default().to_owned();
        vec![match error.location() {
            Some(location) => Problem::at(&location, message),
            None => Problem { line: 1, column: 1, message },
        }]
    })?;
    let mut problems = Vec::new();
    for (found, expected, key) in [(&file.api_version, API_VERSION, "apiVersion"), (&file.kind, KIND, "kind")]
    {
        if found.value != expected {
            let message = format!("`{key}` is `{}`, expected `{expected}`", found.value);
            problems.push(Problem::at(&found.referenced, message));
        }
    }
    for request in &file.requests {
        if !SERVICES.contains(&request.value.service.as_str()) {
            let message =
                format!("no service `{}`, expected one of {}", request.value.service, SERVICES.join(", "));
            problems.push(Problem::at(&request.referenced, message));
        }
    }
    if let Some(organisation) = &file.organisation
        && let Err(message) = rules::check(&organisation.value)
    {
        problems.push(Problem::at(&organisation.referenced, message));
    }
    let mut faults = Vec::new();
    for item in &file.faults {
        match fault(&item.value) {
            Ok(fault) => faults.push(fault),
            Err(message) => problems.push(Problem::at(&item.referenced, message)),
        }
    }
    if problems.is_empty() { Ok((file, faults)) } else { Err(problems) }
}

fn fault(item: &serde_json::Map<String, Value>) -> Result<(String, Armed), String> {
    let mut item = item.clone();
    let service = item.remove("service");
    let service = service.as_ref().and_then(Value::as_str).ok_or("a fault needs a `service`")?;
    let armed = Armed::read(Value::Object(item)).map_err(|error| error.to_string())?;
    armed.check(service).map_err(|error| error.to_string())?;
    Ok((service.to_owned(), armed))
}

async fn bring_in(shared: &Shared, file: &WorldFile) -> Result<(), Problem> {
    let nowhere = |message: String| Problem { line: 1, column: 1, message };
    let door = Door::open(shared).await.map_err(nowhere)?;
    for person in &file.people {
        directory::person(shared, &person.value);
    }
    for group in &file.groups {
        one(group, directory::group(shared, &group.value))?;
    }
    for application in &file.applications {
        one(application, directory::application(&door, &application.value).await)?;
    }
    for wanted in &file.role_assignments {
        one(wanted, directory::role_assignment(&door, &wanted.value).await)?;
    }
    bring_in_google(&door, file).await?;
    for wanted in &file.models {
        one(wanted, model(shared, &wanted.value))?;
    }
    for wanted in &file.objects {
        one(wanted, object(&door, &wanted.value).await)?;
    }
    for request in &file.requests {
        one(request, send(&door, &request.value).await)?;
    }
    if let Some(blocked) = &file.blocked {
        rules::lift_blocks(shared);
        for name in blocked {
            one(name, rules::block(shared, &name.value))?;
        }
    }
    Ok(())
}

async fn bring_in_google(door: &Door<'_>, file: &WorldFile) -> Result<(), Problem> {
    for pool in &file.pools {
        one(pool, google::pool(door, &pool.value).await)?;
        for provider in &pool.value.providers {
            one(provider, google::provider(door, &pool.value, &provider.value).await)?;
        }
        one(pool, google::bury(door, &pool.value).await)?;
    }
    for account in &file.service_accounts {
        one(account, google::service_account(door, &account.value).await)?;
    }
    for repository in &file.repositories {
        one(repository, google::repository(door, &repository.value).await)?;
    }
    for grant in &file.grants {
        one(grant, google::grant(door, &grant.value).await)?;
    }
    Ok(())
}

async fn send(door: &Door<'_>, request: &file::Request) -> Result<(), String> {
    let method = request.method.to_ascii_uppercase();
    let method: Method = method.parse().map_err(|_| format!("`{}` is no HTTP method", request.method))?;
    door.ask(&request.service, &method, &request.path, request.body.as_ref()).await.map(drop)
}

fn one<T>(item: &Spanned<T>, done: Result<(), String>) -> Result<(), Problem> {
    done.map_err(|message| Problem::at(&item.referenced, message))
}

fn model(shared: &Shared, model: &file::Model) -> Result<(), String> {
    if model.size.is_some() != model.files.is_empty() {
        return Err(format!("model `{}:{}` needs either `files` or `size`", model.name, model.version));
    }
    let tags: Vec<(&str, &str)> =
        model.tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str())).collect();
    let written = model.files.iter().map(|(path, text)| (path.clone(), Content::Bytes(text.clone().into())));
    let made = model.size.map(|size| {
        let content = Content::synthetic(&format!("{}:{}", model.name, model.version), size);
        ("weights.bin".to_owned(), content)
    });
    let files = written.chain(made).collect();
    shared.azure.models().register(&model.name, &model.version, &tags, files, shared.clock.now());
    Ok(())
}

/// Applies an object to the cluster.
async fn object(door: &Door<'_>, object: &Value) -> Result<(), String> {
    let path = crate::cluster::path_of(object).ok_or_else(|| {
        "expected a Kubernetes object of a kind that the cluster knows, with `apiVersion`, `kind` and `metadata.name`"
            .to_owned()
    })?;
    let path = format!("{path}?fieldManager=world&force=true");
    door.ask("cluster", &Method::PATCH, &path, Some(object)).await.map(drop)
}
