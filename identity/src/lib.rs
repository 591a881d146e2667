//! Cloud tokens: sources, exchanges, impersonation, cache.
