//! Cloud tokens: sources, exchanges, impersonation, cache. The only crate that can read one.
//!
//! A person or a machine starts with a first token from Entra ([`source`]). A [`Chain`] carries it across: Entra token →
//! Google STS ([`sts`]) → the federated principal itself, or a service account it impersonates ([`impersonation`]).
//! Every request asks the chain again, so a token that runs out in the middle of a transfer is replaced by the next
//! request; [`cache`] sees to it that this costs one exchange however many ask. What leaves this crate is a header
//! marked sensitive ([`Bearer`]) or an SDK's own credential type ([`Chain::google_credentials`],
//! [`source::azure_credential`]); for tools that take neither, a [`Handover`] writes one out. [`store`] keeps tokens between
//! runs for those.
//!
//! Never: a terminal, the process environment (it is a value, [`Environment`]), the clock (it is a value, [`Clock`]), a
//! token in an error, a log line or a `Debug` text.

pub mod acr;
mod answer;
mod bearer;
pub mod cache;
pub mod chain;
mod claims;
mod clock;
mod environment;
mod error;
mod handover;
pub mod http;
pub mod impersonation;
mod secret;
pub mod source;
pub mod store;
pub mod sts;

pub use bearer::Bearer;
pub use chain::{Chain, ChainConfig, Grantee};
pub use claims::Claims;
pub use clock::Clock;
pub use environment::Environment;
pub use error::{Hop, TokenError};
pub use handover::{AZURE_REGISTRY_USER, Form, GOOGLE_REGISTRY_USER, Handover};
pub use secret::{AccessToken, Secret};

/// The scope that lets a token call any Google API its principal may call.
pub const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The scope without which a GKE cluster knows a service account by a number and not by its e-mail address.
pub const USERINFO_EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
