//! Tables over rendered objects.
