//! Speaking to Azure, Google and Kubernetes: implements the ports of bridge.
//!
//! A [`Caller`] carries models across by the identity chain; an [`Administrator`] sets both clouds up with log-ins of her
//! own. Below them one module a side: [`azure`], [`google`], [`kubernetes`], and [`images`] over the crate oci. Wire types
//! are private to their file, and every service's "no" becomes a [`bridge::port::PortError`] in one place.
//!
//! Never: a terminal, the process environment, the clock, a token's text.

mod administrator;
mod attest;
pub mod azure;
mod caller;
mod error;
pub mod google;
mod image_copy;
pub mod images;
pub mod kubernetes;
mod limits;
mod patience;
mod pod;
pub mod probe;
mod settling;
mod who;

pub use administrator::{Administrator, Sight};
pub use caller::{Caller, Settings};
pub use image_copy::CopyRequest;
pub use images::Images;
pub use limits::Limits;
pub use pod::Pod;
pub use who::{LogIn, Refusal, Seen, TeamAccess, WhoAmI};
