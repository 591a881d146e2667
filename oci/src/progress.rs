//! What a transfer tells while it runs.

use crate::digest::Digest;

/// Told what is going on. Implementations draw, log, remember, or do nothing.
pub trait Progress: Send + Sync {
    /// One thing happened.
    fn event(&self, event: Event<'_>);
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// Some bytes went over the wire.
    Bytes {
        /// What moves.
        what: &'a str,
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A blob needed no sending.
    Skipped {
        /// What was not sent.
        what: &'a str,
        /// Its size in bytes.
        size: u64,
        /// Why not.
        why: Skip,
    },
    /// Something failed and is tried again.
    Retry {
        /// What is tried again.
        what: &'a str,
        /// Why.
        why: String,
    },
    /// A layer is in the registry: sent, or found there.
    Layer {
        /// The layer's key, see [`crate::layer::Layer::key`].
        key: &'a str,
        /// Its digest.
        digest: &'a Digest,
    },
}

/// Why a blob was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// The repository has it.
    Present,
    /// Another repository of the same registry has it and lent it.
    Mounted,
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}
