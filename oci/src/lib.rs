//! Images: layers assembled as a stream, pushed, copied, verified. Knows no cloud.
//!
//! A [`registry::Registry`] speaks the distribution protocol to one host and logs in through an
//! [`authorizer::Authorizer`]. A [`layer::Layer`] is a reproducible tar archive that is made while it is sent. An
//! [`image::Image`] is a base and some layers; pushing it sends only what the registry lacks, the manifest last.
//! [`copy`] moves an image between registries without a local copy. [`signature`] demands that
//! an image is signed. [`attest`] says beside an image what is in it and how it
//! was made.
//!
//! Never: a cloud's name, a log-in of its own, a file that it was not handed, a blob that it did not verify.

pub mod attest;
pub mod authorizer;
pub mod copy;
pub mod digest;
pub mod image;
pub mod layer;
pub mod progress;
pub mod reference;
pub mod registry;
pub mod signature;
pub mod stall;

pub use authorizer::{Anonymous, Authorizer};
pub use digest::Digest;
pub use progress::{Event, Progress};
pub use reference::{Endpoint, Reference};
pub use registry::{Registry, RegistryError};

/// An error from outside this crate: a source of bytes, a log-in.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bytes that arrive in pieces; ends early with the error that cut it.
pub type ByteStream<'a> = futures_util::stream::BoxStream<'a, Result<bytes::Bytes, BoxError>>;
