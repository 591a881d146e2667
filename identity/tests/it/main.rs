//! The whole crate from outside, against token services on loopback that may lie.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod administrator;
mod certificate;
mod chain;
mod fake;
mod machine;
mod pipelines;
mod source;
