//! The act against a world of fakes.
