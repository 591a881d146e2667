//! Tables: one broken world, one finding.
