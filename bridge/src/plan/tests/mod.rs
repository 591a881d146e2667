//! Plans: what is wanted against what is there.

mod adopt;
mod covers;
mod kubernetes;
mod make;
mod needs;
mod removal;

use serde_json::{Value, json};

use super::*;
use crate::inventory::{Inventory, Observed, State};
use crate::resource::{Grant, GrantTarget, KubernetesObject, Pool, RoleAssignment, ServiceAccount};
use crate::want::tests::harbour;
use crate::want::wanted;

fn observed(resource: Resource) -> Observed {
    Observed { resource, marked: true, state: State::Live, holds: None }
}

fn inventory(resources: impl IntoIterator<Item = Resource>) -> Inventory {
    let found = resources.into_iter().map(|resource| (resource.key(), observed(resource)));
    Inventory { found: found.collect() }
}

fn summaries(plan: &Plan) -> String {
    let mut lines: Vec<String> = plan.changes.iter().map(Change::summary).collect();
    lines.extend(plan.kept.iter().map(|kept| format!("keep {}: {}", kept.key, kept.why)));
    lines.extend(plan.obstacles.iter().map(|it| format!("obstacle {}: {}; {}", it.key, it.problem, it.mend)));
    lines.join("\n")
}

/// The plan for the example bridge after something happened to a world that was in step with it.
fn after(happens: impl FnOnce(&mut Inventory)) -> Plan {
    let (bridge, facts) = harbour();
    let (resources, obstacles) = wanted(&bridge, &facts);
    let mut inventory = inventory(resources.clone());
    happens(&mut inventory);
    plan(&bridge, &resources, obstacles, &inventory)
}

fn edit<'a>(inventory: &'a mut Inventory, key: &str) -> &'a mut Observed {
    inventory.found.get_mut(&ResourceKey(key.to_owned())).unwrap_or_else(|| panic!("{key}"))
}

fn object<'a>(inventory: &'a mut Inventory, key: &str) -> &'a mut Value {
    let Resource::Kubernetes(object) = &mut edit(inventory, key).resource else { panic!("{key}") };
    &mut object.object
}
