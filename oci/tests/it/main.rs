//! The client against a registry that can lie, stall and cut.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

extern crate gangplank_oci as oci;

mod attest;
mod copy;
mod cosign;
mod fake;
mod faults;
mod image;
mod login;
mod pull;
mod push;
mod redirects;
mod signature;
