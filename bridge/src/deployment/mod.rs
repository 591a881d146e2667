//! Reading an online deployment of Azure ML (CLI v2 YAML) as a service of the bridge: what can be honoured is, and
//! everything else is named with the reason.
//!
//! The fields are those of `ManagedOnlineDeployment` and `KubernetesOnlineDeployment`:
//! <https://learn.microsoft.com/azure/machine-learning/reference-yaml-deployment-managed-online>,
//! <https://learn.microsoft.com/azure/machine-learning/reference-yaml-deployment-kubernetes-online>.

mod adapt;
mod elsewhere;
mod environment;
mod format;
mod notes;
mod place;
mod probe;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::file::Problem;
use crate::file::shape::{self, Flaw};
use crate::file::tree::{self, Content, Entry, Node};
use crate::manifest::{LeakKind, refuse_secrets};
use crate::spec::{Bridge, Service};
use format::DeploymentFile;
use notes::Notes;

/// A deployment as a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adapted {
    /// The service.
    pub service: Service,
    /// What was honoured, in the file's order.
    pub carried: Vec<Carried>,
    /// What was not, in the file's order.
    pub not_carried_over: Vec<NotCarriedOver>,
}

/// A field that was honoured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// The field, as a path: `scale_settings.max_instances`.
    pub field: String,
    /// Its line.
    pub line: usize,
    /// What became of it.
    pub becomes: String,
}

/// A field that was not honoured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCarriedOver {
    /// The field, as a path.
    pub field: String,
    /// Its line.
    pub line: usize,
    /// Why not.
    pub reason: String,
}

impl Adapted {
    /// The first field that holds a secret, and what it looks like. Nothing that carries one leaves for a cluster.
    pub fn leak(&self) -> Option<(String, LeakKind)> {
        let tuning = &self.service.tuning;
        let variables = tuning.env.iter().map(|(name, value)| {
            (format!("environment_variables.{name}"), json!({"name": name, "value": value}))
        });
        let texts = tuning.annotations.iter().map(|(name, value)| {
            (name.trim_start_matches(adapt::ANNOTATION).to_owned(), json!({ "value": value }))
        });
        variables
            .chain(texts)
            .find_map(|(field, value)| refuse_secrets(&[value]).err().map(|leak| (field, leak.kind)))
    }
}

/// Whom the service is for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The bridge. A service of it with the endpoint's name is what the deployment is laid upon.
    pub bridge: &'a Bridge,
    /// The team; needed where the bridge has no such service.
    pub team: Option<&'a str>,
}

/// Made once from the types that read the file.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(DeploymentFile).to_value());

/// Reads a deployment file. `name` is the file as the user named it, for messages.
pub fn adapt(name: &str, text: &str, target: Target<'_>) -> Result<Adapted, Vec<Problem>> {
    let root = tree::read(text).map_err(|unreadable| {
        let flaw = Flaw::new(unreadable.spot.span, ours(&unreadable.message));
        let flaw = unreadable.expected.iter().fold(flaw, |flaw, expected| flaw.expected(ours(expected)));
        vec![flaw.into_problem(name, text)]
    })?;
    judge(text, root, target).map_err(|mut flaws| {
        flaws.sort_by_key(|flaw| flaw.span.start);
        flaws.into_iter().map(|flaw| flaw.into_problem(name, text)).collect()
    })
}

/// The reader speaks of bridge files.
fn ours(message: &str) -> String {
    message.replace("bridge", "deployment")
}

fn judge(text: &str, mut root: Node, target: Target<'_>) -> Result<Adapted, Vec<Flaw>> {
    let Content::Map(entries) = &mut root.value else {
        let flaw = Flaw::new(0..0, "this is no deployment".to_owned())
            .expected("a map of keys: `name`, `endpoint_name`, `model`, …");
        return Err(vec![flaw]);
    };
    let mut notes = Notes::of(text);
    set_aside(entries, "", &mut notes);
    let (json, mut flaws) = shape::check(text, &root, &SCHEMA);
    let Some(json) = json else { return Err(flaws) };
    let file = match DeploymentFile::deserialize(json) {
        Ok(file) => file,
        Err(error) => {
            // The schema is made from the same types, so this is our mistake; still the user hears what serde says.
            flaws.push(Flaw::new(0..0, error.to_string()));
            return Err(flaws);
        }
    };
    let service = adapt::service(&file, &root, target, &mut notes);
    flaws.append(&mut notes.flaws);
    match service {
        Some(service) if flaws.is_empty() => Ok(notes.adapted(service)),
        _ => Err(flaws),
    }
}

/// Takes out what is never carried over, whatever it holds. `under` is the path of what holds the entries.
fn set_aside(entries: &mut Vec<Entry>, under: &str, notes: &mut Notes<'_>) {
    entries.retain_mut(|entry| {
        let path = if under.is_empty() { entry.key.clone() } else { format!("{under}.{}", entry.key) };
        if let Some(reason) = elsewhere::reason(&path, &entry.node.value) {
            notes.left_at(&path, entry.key_span.clone(), reason);
            return false;
        }
        if let Content::Map(entries) = &mut entry.node.value {
            set_aside(entries, &path, notes);
        }
        true
    });
}
