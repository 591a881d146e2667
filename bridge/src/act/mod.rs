//! The acts: what changes the world. They wait on it, so they are async, but need no runtime: sleeping and telling the
//! time are a port like everything else.

mod apply;
pub mod can;
mod destroy;
pub mod doctor;
mod replan;
pub mod ship;
#[cfg(test)]
mod tests;
pub mod way_back;

pub use apply::{ApplyError, Report, apply};
pub use destroy::destroy;
pub use replan::{LookError, Purpose, Seen, carry_out, look};
