//! The scorer binary.
fn main() {}
