//! What we want, what to do, what is wrong.
//!
//! The flow, one direction: a `bridge.yaml` is parsed and validated into [`spec::Bridge`]; [`want`] turns it and the
//! [`inventory::Facts`] of both clouds into wanted [`resource::Resource`]s; [`plan`] compares them with the
//! [`inventory::Inventory`] and gives a [`plan::Plan`], a value that leaves [`act::apply`] nothing to choose.
//! Shipping goes the same way: a model version becomes an [`image::ImagePlan`], a digest, [`manifest`]s, a rollout and a
//! [`shipment::Shipment`]. Diagnosis is a walk without IO: [`doctor`] asks for evidence until it can conclude in
//! [`finding::Finding`]s.
//!
//! Never: a runtime, HTTP, the clock, the environment, files, a terminal. What the acts need of the world they ask
//! for through the traits in [`port`].

pub mod act;
pub mod can;
pub mod constraint;
pub mod convention;
pub mod cred_config;
pub mod deployment;
pub mod doctor;
pub mod exhibit;
pub mod explain;
pub mod export;
pub mod file;
pub mod finding;
pub mod image;
pub mod import;
pub mod inventory;
pub mod manifest;
pub mod model_ref;
pub mod name;
pub mod pattern;
pub mod plan;
pub mod port;
pub mod quantity;
pub mod resolve;
pub mod resource;
pub mod schema;
pub mod shipment;
pub mod signing_key;
pub mod spec;
pub mod starter;
pub mod want;
