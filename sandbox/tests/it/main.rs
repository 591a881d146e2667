//! The Azure half of the sandbox over real https: log-ins, refusals, rights, lists, ranges, faults, and what is left behind.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what they expect by failing"
)]

mod acr;
mod blob;
mod cluster;
mod data;
mod entra;
mod faults;
mod folder;
mod graph;
mod managed_identity;
mod ml_registry;
mod people;
mod quay;
mod replay;
mod resource_manager;
mod sdk;
mod start;
mod ways_in;
mod worlds;
