//! The whole crate from outside, against token services on loopback that may lie.
#![expect(clippy::unwrap_used, reason = "tests")]

mod administrator;
mod certificate;
mod chain;
mod fake;
mod machine;
mod pipelines;
mod source;
