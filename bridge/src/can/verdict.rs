//! The answer to a question, as a value: ways, each with the checks it takes.

use serde::Serialize;

use super::Actor;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Who was asked about.
    pub who: Actor,
    /// What was asked.
    pub what: String,
    /// Some way is open, all along.
    pub allowed: bool,
    /// Whether that is the last word: nothing that could not be seen or decided would turn it.
    pub settled: bool,
    /// Every way there is, the direct one first.
    pub ways: Vec<Way>,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
}

/// One way to get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The team whose service account is used; none for the caller's own rights.
    pub through: Option<String>,
    /// As whom, in the words of the services.
    pub acting_as: String,
    /// Every check allows it.
    pub allowed: bool,
    /// What it takes, in order.
    pub checks: Vec<Check>,
}

/// One thing that is needed on a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What: a permission and a resource, in the words of the service.
    pub needs: String,
    /// Allowed for certain.
    pub allowed: bool,
    /// Whether that is the last word.
    pub settled: bool,
    /// If allowed, the rules that say so.
    pub allowed_by: Vec<String>,
    /// If not, what was found in their place.
    pub because: Vec<String>,
    /// If not, the rule that comes nearest.
    pub nearest: Option<String>,
}

/// Something that could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// What.
    pub what: String,
    /// Why not, in the service's words.
    pub why: String,
    /// The right that looking takes.
    pub right: String,
}

impl Check {
    pub(super) fn allowed(needs: String, settled: bool, allowed_by: Vec<String>) -> Self {
        Self { needs, allowed: true, settled, allowed_by, because: Vec::new(), nearest: None }
    }

    pub(super) fn denied(
        needs: String,
        settled: bool,
        because: Vec<String>,
        nearest: Option<String>,
    ) -> Self {
        Self { needs, allowed: false, settled, allowed_by: Vec::new(), because, nearest }
    }
}

impl Way {
    pub(super) fn of(through: Option<String>, actor: &Actor, checks: Vec<Check>) -> Self {
        let allowed = !checks.is_empty() && checks.iter().all(|check| check.allowed);
        Self { through, acting_as: actor.described(), allowed, checks }
    }

    /// Closed for certain by one check, or open for certain by all.
    fn is_settled(&self) -> bool {
        let closed = self.checks.iter().any(|check| !check.allowed && check.settled);
        closed || self.checks.iter().all(|check| check.settled)
    }
}

impl Verdict {
    pub(super) fn of(who: Actor, what: String, ways: Vec<Way>, unseen: Vec<Unseen>) -> Self {
        let allowed = ways.iter().any(|way| way.allowed);
        let open = |way: &Way| way.allowed && way.is_settled();
        let settled = if allowed { ways.iter().any(open) } else { ways.iter().all(Way::is_settled) };
        Self { who, what, allowed, settled, ways, unseen }
    }
}
