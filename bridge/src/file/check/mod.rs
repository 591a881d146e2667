//! What the values of a bridge file mean, and what cannot be meant.

mod endpoints;
mod identities;
mod services;
mod sides;
mod syntax;
mod teams;
mod workloads;

pub(crate) use teams::is_reserved as is_reserved_label;

use std::collections::BTreeMap;
use std::ops::Range;

use super::format::BridgeFile;
use super::shape::Flaw;
use super::tree::{Content, Node};
use crate::spec::Bridge;

pub(crate) use syntax::is_pinned_image;

/// Whether a text can be a team's name.
pub(crate) fn is_team_name(text: &str) -> bool {
    (syntax::TEAM_NAME.holds)(text)
}

/// Makes the domain types of a file that has the right shape. What is wrong goes to `flaws`; the result counts only if
/// nothing did.
pub(super) fn bridge(text: &str, root: &Node, file: &BridgeFile, flaws: &mut Vec<Flaw>) -> Bridge {
    let mut judge = Judge { text, root, flaws };
    let top = Place::default();
    let name = sides::bridge_name(&mut judge, &top.key("metadata").key("name"), &file.metadata.name);
    let teams = teams::teams(&mut judge, &top.key("teams"), &file.teams, &file.google.repository);
    Bridge {
        azure: sides::azure(&mut judge, &top.key("azure"), &file.azure),
        google: sides::google(&mut judge, &top.key("google"), &file.google),
        federation: sides::federation(&mut judge, &top.key("federation"), &file.federation, &name),
        identities: identities::identities(&mut judge, &top.key("identities"), &file.identities, &teams),
        services: services::services(&mut judge, &top.key("services"), &file.services, &teams),
        workloads: workloads::workloads(&mut judge, &top.key("workloads"), file, &teams),
        endpoints: endpoints::endpoints(&mut judge, &top.key("endpoints"), &file.endpoints),
        name,
        teams,
    }
}

/// Collects flaws, and knows where values stand.
struct Judge<'a> {
    text: &'a str,
    root: &'a Node,
    flaws: &'a mut Vec<Flaw>,
}

/// The way to a value: keys and positions.
#[derive(Debug, Clone, Default)]
struct Place(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Item(usize),
}

impl Place {
    fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    fn item(&self, index: usize) -> Self {
        self.with(Step::Item(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl Judge<'_> {
    /// Where a value stands; where it would stand, if it is not written.
    fn span(&self, place: &Place) -> Range<usize> {
        let (key, node) = self.find(place);
        match node.value {
            Content::Map(_) | Content::List(_) => key.unwrap_or_else(|| self.first_line(&node.span)),
            _ => self.first_line(&node.span),
        }
    }

    /// Where the key of a value stands.
    fn key_span(&self, place: &Place) -> Range<usize> {
        let (key, node) = self.find(place);
        key.unwrap_or_else(|| self.first_line(&node.span))
    }

    fn find(&self, place: &Place) -> (Option<Range<usize>>, &Node) {
        let mut node = self.root;
        let mut key = None;
        for step in &place.0 {
            match (step, &node.value) {
                (Step::Key(name), Content::Map(entries)) => {
                    let Some(entry) = entries.iter().find(|entry| entry.key == *name) else { break };
                    key = Some(entry.key_span.clone());
                    node = &entry.node;
                }
                (Step::Item(index), Content::List(items)) => {
                    let Some(item) = items.get(*index) else { break };
                    key = match &item.value {
                        Content::Map(entries) => entries.first().map(|entry| entry.key_span.clone()),
                        _ => None,
                    };
                    node = item;
                }
                _ => break,
            }
        }
        (key, node)
    }

    fn first_line(&self, span: &Range<usize>) -> Range<usize> {
        let line = self.text.get(span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
        span.start..span.start + line.len()
    }

    fn flaw(&mut self, flaw: Flaw) {
        self.flaws.push(flaw);
    }

    /// Says that a value does not follow its rule.
    fn wrong(&mut self, place: &Place, value: &str, what: &str, expected: &str) {
        let flaw = Flaw::new(self.span(place), format!("`{value}` is no {what}")).expected(expected);
        self.flaw(flaw);
    }

    /// Checks a text against a rule of [`syntax`] and gives it back.
    fn text(&mut self, place: &Place, value: &str, rule: &syntax::Rule) -> String {
        if !(rule.holds)(value) {
            self.wrong(place, value, rule.what, rule.expected);
        }
        value.to_owned()
    }

    /// Checks a GUID and gives it in lower case.
    fn guid(&mut self, place: &Place, value: &str) -> String {
        let lower = value.to_lowercase();
        if !crate::name::is_guid(&lower) {
            let expected = "a GUID, as in `6f9619ff-8b86-d011-b42d-00cf4fc964ff`";
            self.wrong(place, value, "GUID", expected);
        }
        lower
    }

    /// Says so if some of these texts are equal. `what` is what they name.
    fn unique<'v>(&mut self, what: &str, values: impl Iterator<Item = (Place, &'v str)>) {
        let mut first_places: BTreeMap<&str, Place> = BTreeMap::new();
        for (place, value) in values {
            if let Some(first) = first_places.get(value) {
                let flaw = Flaw::new(self.span(&place), format!("{what} `{value}` is there twice"))
                    .expected("each once")
                    .related(self.span(first), "here first");
                self.flaw(flaw);
            } else {
                first_places.insert(value, place);
            }
        }
    }
}
