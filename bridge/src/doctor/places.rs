//! Where what was seen stands: in a file and a line of it, or with the service that was asked.

use std::collections::BTreeMap;

use super::Evidence;
use crate::exhibit::Exhibit;

/// Things of which findings quote values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// The token that the caller logs in with.
    FirstToken,
    /// The token that Google is shown.
    Token,
    /// The pool.
    Pool,
    /// The provider.
    Provider,
    /// The service account.
    ServiceAccount,
    /// The service account's policy.
    ServiceAccountPolicy,
    /// The repository's policy.
    RepositoryPolicy,
    /// The project's policy.
    ProjectPolicy,
    /// What was said by the service that refused.
    Refusal,
}

/// The exhibits that things were read from. Empty where services were asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Places(BTreeMap<Thing, Exhibit>);

impl Places {
    /// Remembers what a thing was read from.
    pub fn keep(&mut self, thing: Thing, exhibit: &Exhibit) {
        self.0.insert(thing, exhibit.clone());
    }

    /// Where the value at a pointer stands, if the thing was read from a file.
    pub fn find(&self, thing: Thing, pointer: &str) -> Option<String> {
        Some(self.0.get(&thing)?.origin(pointer))
    }

    /// Where the bindings of a policy stand, which may be wrapped together with what it is on.
    pub(super) fn bindings(&self, thing: Thing) -> Option<String> {
        Some(self.0.get(&thing)?.origin(self.pointer(thing)))
    }

    /// Where one member of one binding of a policy stands.
    pub(super) fn member(&self, thing: Thing, (binding, member): (usize, usize)) -> Option<String> {
        self.find(thing, &format!("{}/{binding}/members/{member}", self.pointer(thing)))
    }

    fn pointer(&self, thing: Thing) -> &'static str {
        let wrapped = self.0.get(&thing).is_some_and(|it| it.get("/policy").is_some());
        if wrapped { "/policy/bindings" } else { "/bindings" }
    }
}

impl Evidence {
    /// Where a value stands: its file and line, else `otherwise`.
    pub(super) fn place(&self, thing: Thing, pointer: &str, otherwise: impl Into<String>) -> String {
        self.places.find(thing, pointer).unwrap_or_else(|| otherwise.into())
    }

    /// Where a claim of the token that Google is shown stands.
    pub(super) fn claim(&self, name: &str, otherwise: impl Into<String>) -> String {
        self.place(Thing::Token, &format!("/claims/{name}"), otherwise)
    }
}
