//! Counts the steps of one evaluation, so that none takes long, whatever it is given.

use super::problem::Problem;

/// Bytes or elements that one step reads or writes.
const PER_STEP: usize = 32;

/// The steps that are left.
#[derive(Debug)]
pub(crate) struct Meter {
    left: usize,
}

impl Meter {
    pub(crate) fn new(steps: usize) -> Self {
        Self { left: steps }
    }

    /// Takes `steps`, or says that there are not as many.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Problem> {
        let left = self.left.checked_sub(steps);
        // Once there are too few, nothing may succeed any more: an absorbed error would make an answer of a torn evaluation.
        self.left = left.unwrap_or_default();
        if left.is_some() { Ok(()) } else { Err(Problem::TooMuchWork) }
    }

    /// Takes one step, and one for every few of `amount` bytes or elements.
    pub(super) fn spend_on(&mut self, amount: usize) -> Result<(), Problem> {
        self.spend(1 + amount / PER_STEP)
    }

    /// The steps that are left.
    pub(crate) fn left(&self) -> usize {
        self.left
    }
}
