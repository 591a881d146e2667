//! What the error text alone says, where no exhibit explains it.

use super::case::Case;
use crate::finding::Finding;

/// The finding that the words make most likely, if they make any.
pub(super) fn finding(_case: &Case<'_>) -> Option<Finding> {
    None
}
