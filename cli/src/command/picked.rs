//! Which service is meant: the one that serves the model that was typed, or the one that a deployment file of Azure ML's asks
//! for; with notes about each field of that file.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;

use bridge::deployment::{Adapted, Target, adapt};
use bridge::spec::{ModelRef, Service, Team};
use serde::Serialize;

use super::ship::{chosen, reference};
use crate::args::{Format, FromDeployment};
use crate::context::{Context, unreadable};
use crate::edge;
use crate::output::say;
use crate::report::{self, Failure};

/// The service that is meant.
pub(super) struct Picked<'a> {
    /// The service.
    pub(super) service: Cow<'a, Service>,
    /// Its team.
    pub(super) team: &'a Team,
    /// The version to take.
    pub(super) model: ModelRef,
    /// The deployment file it came from, where it came from one.
    pub(super) adapted: Option<Adapted>,
}

/// What was asked for, with the deployment it was asked for by.
#[derive(Debug, Serialize)]
pub(super) struct WithDeployment<'a, T> {
    /// The deployment as a service.
    pub(super) deployment: &'a Adapted,
    /// What was asked for.
    #[serde(flatten)]
    pub(super) rest: T,
}

/// Finds the service that is meant.
pub(super) fn pick<'a>(
    context: &'a Context,
    typed: Option<&str>,
    named: Option<&str>,
    from: &FromDeployment,
) -> Result<Picked<'a>, Failure> {
    if let Some(path) = &from.deployment {
        return deployed(context, path, from.team.as_deref());
    }
    let typed = typed.unwrap_or_default();
    let model = reference(typed)?;
    let (service, team) = context.service(&model.name, named)?;
    let model = chosen(model, typed, service);
    Ok(Picked { service: Cow::Borrowed(service), team, model, adapted: None })
}

fn deployed<'a>(context: &'a Context, path: &Path, team: Option<&str>) -> Result<Picked<'a>, Failure> {
    let adapted = read(context, path, team)?;
    if context.format != Format::Json {
        say(notes(&adapted).trim_end());
    }
    let service = adapted.service.clone();
    let team = context.bridge.team(&service.team).ok_or_else(|| {
        let known: Vec<&str> = context.bridge.teams.iter().map(|team| team.name.as_str()).collect();
        Failure::usage(format!("the bridge has no team `{}`", service.team))
            .hint(format!("--team takes one of: {}", known.join(", ")))
    })?;
    let model = service.model.clone();
    Ok(Picked { service: Cow::Owned(service), team, model, adapted: Some(adapted) })
}

fn read(context: &Context, path: &Path, team: Option<&str>) -> Result<Adapted, Failure> {
    let name = path.display().to_string();
    let bytes = edge::read(path).map_err(|error| unreadable(&error))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("`{name}` is not text")).hint("save the file as UTF-8"))?;
    let adapted = adapt(&name, &text, Target { bridge: &context.bridge, team })
        .map_err(|problems| report::problems(&name, &text, &problems, std::io::stderr().is_terminal()))?;
    match adapted.leak() {
        Some((field, kind)) => Err(Failure::usage(format!("`{field}` in `{name}` holds {kind}")).hint(
            "nothing was shipped; a pod fetches secrets with its own identity, they do not travel in files",
        )),
        None => Ok(adapted),
    }
}

/// The notes, for people.
fn notes(adapted: &Adapted) -> String {
    let mut text = String::new();
    for note in &adapted.carried {
        let _ = writeln!(text, "carried over      line {:<3} {}: {}", note.line, note.field, note.becomes);
    }
    for note in &adapted.not_carried_over {
        let _ = writeln!(text, "not carried over  line {:<3} {}: {}", note.line, note.field, note.reason);
    }
    text
}
