//! What became of an exchange, stage by stage, with the values that were compared.

use serde::Serialize;

use super::{Mapped, Refusal, Stage};

/// The outcome of an exchange and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whom Google makes of the token, or why it refuses.
    #[serde(serialize_with = "as_either")]
    pub outcome: Result<Mapped, Refusal>,
    /// The stages in the order of the walk, up to the one that refuses.
    pub trace: Vec<Step>,
}

/// One stage of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// Whether it held.
    pub outcome: Held,
    /// What passes.
    pub expected: String,
    /// What was there.
    pub found: String,
}

/// Whether a stage held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// It did.
    Yes,
    /// It did not, and the exchange ends here.
    No,
    /// What it takes to tell was not handed in.
    Unseen,
}

/// What a stage that holds has compared.
pub(super) struct Compared {
    pub(super) expected: String,
    pub(super) found: String,
}

impl Compared {
    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into() }
    }
}

/// The stages so far.
#[derive(Default)]
pub(super) struct Trace(Vec<Step>);

impl Trace {
    /// Writes down a stage, and hands a refusal on.
    pub(super) fn note(&mut self, stage: Stage, outcome: Result<Compared, Refusal>) -> Result<(), Refusal> {
        let held = if outcome.is_ok() { Held::Yes } else { Held::No };
        let (expected, found, refusal) = match outcome {
            Ok(Compared { expected, found }) => (expected, found, None),
            Err(refusal) => (refusal.expected.clone(), refusal.found.clone(), Some(refusal)),
        };
        let stage = refusal.as_ref().map_or(stage, |refusal| refusal.stage);
        self.0.push(Step { stage, outcome: held, expected, found });
        refusal.map_or(Ok(()), Err)
    }

    /// Writes down a stage that could not be looked at.
    pub(super) fn skip(&mut self, stage: Stage, expected: &str) {
        let found = "not seen".to_owned();
        self.0.push(Step { stage, outcome: Held::Unseen, expected: expected.to_owned(), found });
    }

    pub(super) fn end(self, outcome: Result<Mapped, Refusal>) -> Verdict {
        Verdict { outcome, trace: self.0 }
    }
}

/// `{"mapped": …}` or `{"refused": …}`.
fn as_either<S: serde::Serializer>(
    outcome: &Result<Mapped, Refusal>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Either<'a> {
        Mapped(&'a Mapped),
        Refused(&'a Refusal),
    }
    match outcome {
        Ok(mapped) => Either::Mapped(mapped).serialize(serializer),
        Err(refusal) => Either::Refused(refusal).serialize(serializer),
    }
}
