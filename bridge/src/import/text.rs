//! The file's text. Values are written as YAML takes them; what is left out stands at the end, as comments.

use std::fmt::Write as _;

use super::services::Found;
use super::{LeftOut, Said};
use crate::spec::{Expose, Identity, Right, Team, Via, Who, Workload};
use crate::starter::{Starter, plain, quoted};

const IDENTITIES: &str = "
# Who may come across, and what they may do there. Names are from Entra; they are for people, except that an app role's is its
# display name as well.
identities:
";
const TEAMS: &str = "
# The tenants of the cluster. Which models a team may serve is written down on no cloud: those that it serves now are here.
teams:
";
const SERVICES: &str = "
# The models being served, at the version that is served now: `NAME@latest` would follow the newest.
services:
";
const WORKLOADS: &str = "
# Pods that go the other way, from GKE to Azure.
workloads:
";
const LEFT_OUT: &str = "
# Seen on the clouds, and not said in this file:
";

/// Writes it.
pub(super) fn write(starter: &Starter, said: &Said, left_out: &[LeftOut]) -> String {
    let mut text = starter.clouds();
    section(&mut text, IDENTITIES, said.identities.iter().map(identity));
    section(&mut text, TEAMS, said.teams.iter().map(team));
    section(&mut text, SERVICES, said.services.iter().map(service));
    section(&mut text, WORKLOADS, said.workloads.iter().map(workload));
    section(&mut text, LEFT_OUT, left_out.iter().map(|it| comment(&format!("- {}: {}", it.what, it.why))));
    text.push_str(&starter.endpoints_block());
    text
}

/// A heading and what is under it; nothing if there is nothing.
fn section(text: &mut String, heading: &str, items: impl Iterator<Item = String>) {
    let items: String = items.collect();
    if !items.is_empty() {
        text.push_str(heading);
        text.push_str(&items);
    }
}

/// One line of a comment, whatever it holds.
fn comment(line: &str) -> String {
    let clean: String = line.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    format!("# {clean}\n")
}

fn identity(it: &Identity) -> String {
    let mut text = format!("  - name: {}\n", plain(&it.name));
    match &it.who {
        Who::ServicePrincipal(id) => line(&mut text, "servicePrincipal", &plain(id)),
        Who::ManagedIdentity(id) => line(&mut text, "managedIdentity", &plain(id)),
        Who::Group { id, includes_people } => {
            line(&mut text, "group", &plain(id));
            if *includes_people {
                line(&mut text, "includesPeople", "true");
            }
        }
        Who::AppRole { role, members, people, groups } => {
            line(&mut text, "appRole", &plain(role));
            for (key, ids) in [("members", members), ("people", people), ("groups", groups)] {
                if !ids.is_empty() || key == "members" {
                    line(&mut text, key, &list(ids.iter().map(|id| plain(id))));
                }
            }
        }
    }
    let may = it.may.iter().map(|right| match right {
        Right::Push => "push".to_owned(),
        Right::Read => "read".to_owned(),
        Right::PushFor(team) => quoted(&format!("push:{team}")),
        Right::Deploy(team) => quoted(&format!("deploy:{team}")),
    });
    line(&mut text, "may", &list(may));
    text
}

fn team(it: &Team) -> String {
    let mut text = format!("  - name: {}\n", plain(&it.name));
    line(&mut text, "namespace", &plain(&it.namespace));
    if !it.labels.is_empty() {
        let labels = it.labels.iter().map(|(key, value)| format!("{}: {}", plain(key), quoted(value)));
        line(&mut text, "labels", &map(labels));
    }
    line(&mut text, "models", &list(it.models.iter().map(|model| plain(model))));
    if let Some(quota) = &it.quota {
        let quota = [
            format!("cpu: {}", quoted(&quota.cpu)),
            format!("memory: {}", quoted(&quota.memory)),
            format!("pods: {}", quota.pods),
        ];
        line(&mut text, "quota", &map(quota.into_iter()));
    }
    if !it.callers.is_empty() {
        line(&mut text, "callers", &list(it.callers.iter().map(|namespace| plain(namespace))));
    }
    if let Some(repository) = &it.repository {
        line(&mut text, "repository", &plain(repository));
    }
    text
}

fn service(found: &Found) -> String {
    let it = &found.service;
    let mut text = format!("  - name: {}\n", plain(&it.name));
    line(&mut text, "team", &plain(&it.team));
    line(&mut text, "model", &plain(&it.model.to_string()));
    if found.scorer {
        line(&mut text, "runtime", "onnx");
    } else {
        text.push_str(
            "    # runtime: what serves it is not told by its pods; without it, the version's files decide\n",
        );
    }
    let scaling = [
        format!("min: {}", it.scaling.min),
        format!("max: {}", it.scaling.max),
        format!("cpuPercent: {}", it.scaling.cpu_percent),
    ];
    line(&mut text, "scaling", &map(scaling.into_iter()));
    let expose = match it.expose {
        Expose::Cluster => "cluster",
        Expose::Internal => "internal",
        Expose::Public => "public",
    };
    line(&mut text, "expose", expose);
    let resources =
        [format!("cpu: {}", quoted(&it.resources.cpu)), format!("memory: {}", quoted(&it.resources.memory))];
    line(&mut text, "resources", &map(resources.into_iter()));
    text
}

fn workload(it: &Workload) -> String {
    let mut text = format!("  - name: {}\n", plain(&it.name));
    line(&mut text, "team", &plain(&it.team));
    line(&mut text, "serviceAccount", &plain(&it.service_account));
    line(&mut text, "may", "[read-models]");
    line(&mut text, "via", if it.via == Via::Cluster { "cluster" } else { "google" });
    text
}

fn line(text: &mut String, key: &str, value: &str) {
    let _never_fails = writeln!(text, "    {key}: {value}");
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn map(items: impl Iterator<Item = String>) -> String {
    format!("{{ {} }}", items.collect::<Vec<_>>().join(", "))
}
