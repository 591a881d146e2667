//! Both clouds on loopback, able to misbehave.
//!
//! A [`Sandbox`] is a set of servers over one [`world::World`]: Entra, Graph, Resource Manager and blobs (https), Google's
//! APIs and an image registry (http, loopback only), and a small cluster (https) with a node that runs processes.
//! Each area owns its wire shapes, its status codes and its slice of the world; who may do what is decided by `trust`.
//!
//! Never: `bridge`, `identity`, `clouds`, `oci` (what they believe must not shape what they are tested against);
//! a listener beyond loopback.

pub mod azure;
pub mod clock;
pub mod cluster;
mod control;
mod data;
pub mod fault;
mod folder;
pub mod google;
mod load;
pub mod pipelines;
mod propagation;
pub mod random;
mod registry;
pub mod scenario;
pub mod seed;
pub mod serve;
mod services;
pub mod signing;
mod start;
pub mod transcript;
pub mod world;

pub use data::DataError;
pub use folder::FolderError;
pub use load::Problem;
pub use scenario::{PatchError, SCENARIOS, Scenario};
pub use start::{Options, Sandbox, StartError};
