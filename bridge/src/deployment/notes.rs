//! What is said about each field of a deployment.

use std::ops::Range;

use crate::file::Spot;
use crate::file::shape::Flaw;
use crate::file::tree::Node;
use crate::spec::Service;

use super::{Adapted, Carried, NotCarriedOver, place};

/// What is said about each field.
pub(super) struct Notes<'a> {
    text: &'a str,
    carried: Vec<Carried>,
    left: Vec<NotCarriedOver>,
    pub(super) flaws: Vec<Flaw>,
}

impl<'a> Notes<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, carried: Vec::new(), left: Vec::new(), flaws: Vec::new() }
    }

    /// A field that is honoured.
    pub(super) fn carried(&mut self, root: &Node, field: &str, becomes: String) {
        let line = self.line(place::key(root, field));
        self.carried.push(Carried { field: field.to_owned(), line, becomes });
    }

    /// A field that is not.
    pub(super) fn left(&mut self, root: &Node, field: &str, reason: impl Into<String>) {
        self.left_at(field, place::key(root, field), reason);
    }

    pub(super) fn left_at(&mut self, field: &str, span: Range<usize>, reason: impl Into<String>) {
        let line = self.line(span);
        self.left.push(NotCarriedOver { field: field.to_owned(), line, reason: reason.into() });
    }

    /// A field that is wrong.
    pub(super) fn wrong(&mut self, root: &Node, field: &str, message: String, expected: &str) {
        self.flaws.push(Flaw::new(place::value(root, field), message).expected(expected));
    }

    pub(super) fn adapted(mut self, service: Service) -> Adapted {
        self.carried.sort_by_key(|note| note.line);
        self.left.sort_by_key(|note| note.line);
        Adapted { service, carried: self.carried, not_carried_over: self.left }
    }

    fn line(&self, span: Range<usize>) -> usize {
        Spot::of(self.text, span).line
    }

    /// A memory limit above the request takes its place.
    pub(super) fn left_requests(&mut self, root: &Node) {
        self.carried.retain(|note| note.field != "resources.requests.memory");
        let reason = "request and limit of memory are one here, and the limit is what a pod may need";
        self.left(root, "resources.requests.memory", reason);
    }
}
