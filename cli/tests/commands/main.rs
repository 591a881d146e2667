//! Commands as a user types them, against the sandbox: one test binary.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod can;
mod copy;
mod data;
mod deployment;
mod discovery;
mod doctor;
mod evidence;
mod explain;
mod export;
mod faults;
mod harbour;
mod import;
mod init;
mod input;
mod kill;
mod layouts;
mod memory;
mod pack;
mod proportion;
mod provenance;
mod random_worlds;
mod reverse;
mod scenario_witness;
mod scenarios;
mod secrets;
mod set_up;
mod ship;
mod sources;
mod token;
mod ways_in;
mod whoami;
mod witness;
mod witness_provenance;
mod witness_token;
mod worlds;
