//! Listening: http and https on loopback, the private certificate authority, and faults in front of every service.

/// The sandbox's certificate authority.
pub struct Authority {
    /// The authority's certificate, PEM.
    pub certificate: String,
}
