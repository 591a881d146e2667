//! What a declared bridge wants to exist on both clouds. Pure: the same bridge and facts give the same wishes, in the
//! order they must be made.

mod azure;
mod condition;
mod delegated;
mod google;
mod kubernetes;
mod people;
#[cfg(test)]
pub(crate) mod tests;
mod workloads;

pub use azure::BLOB_READER_ID;
pub use condition::{CALLER_ROLE, attribute_condition, attribute_mapping};
pub use delegated::{AZURE_CLI, CROSS, delegated_permission};
pub use workloads::{Placed, placed};

use crate::inventory::Facts;
use crate::plan::Obstacle;
use crate::resource::Resource;
use crate::spec::Bridge;
use people::People;

/// What the bridge wants, and what keeps some of it from being wanted for now.
pub fn wanted(bridge: &Bridge, facts: &Facts) -> (Vec<Resource>, Vec<Obstacle>) {
    let (people, mut obstacles) = People::of(bridge, facts);
    obstacles.extend(google::other_project(bridge, facts));
    let mut resources = azure::wanted(bridge, facts, &people);
    let (google, refused) = google::wanted(bridge, facts, &people);
    resources.extend(google);
    obstacles.extend(refused);
    resources.extend(bridge.teams.iter().flat_map(|team| kubernetes::wanted(bridge, team)));
    let (workloads, unknown) = workloads::wanted(bridge, facts);
    resources.extend(workloads);
    obstacles.extend(unknown);
    resources.sort_by_key(Resource::rank);
    (resources, obstacles)
}
