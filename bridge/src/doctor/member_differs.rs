//! A grant is there, for a member that differs from the caller only in a way that people overlook: capitals, one
//! character, or the project's id in the place of its number.

use trust::iam::Policy;

use super::Walk;
use super::caller::{Caller, Declared};
use crate::finding::{Finding, cause};
use crate::spec::Right;

/// Where a grant is, and how one looks there.
pub(super) struct Place {
    /// The role that gives the right.
    pub(super) role: &'static str,
    /// The resource, for people.
    pub(super) named: String,
    /// The command that takes a member out of the role, but for `--member`.
    pub(super) remove: String,
    /// The right that the bridge must declare.
    pub(super) right: Right,
}

pub(super) fn check(walk: &Walk<'_>, caller: &Caller<'_>, policy: &Policy, place: &Place) -> Option<Finding> {
    let Declared::Has { identity, member } = caller.declared(|right| *right == place.right) else {
        return None;
    };
    let google = &walk.bridge.google;
    let by_id = member
        .replace(&format!("/projects/{}/", google.project_number), &format!("/projects/{}/", google.project));
    let members = policy.bindings.iter().filter(|it| it.role == place.role).flat_map(|it| &it.members);
    let (found, code, cause, what) = members.filter(|found| **found != member).find_map(|found| {
        if *found == by_id {
            let what = "names the project by its id, where it takes the number";
            return Some((found, "google/member-names-project-id", cause::RESOURCE_NAME, what));
        }
        let literal = |what| Some((found, "google/member-differs", cause::LITERAL_MISMATCH, what));
        if found.eq_ignore_ascii_case(&member) {
            return literal("differs from the caller in capitals alone");
        }
        if distance(found, &member) == 1 {
            return literal("differs from the caller in one character");
        }
        None
    })?;
    let finding = Finding::new(code, cause, format!("a grant of `{}` on {} {what}", place.role, place.named))
        .expected(member, format!("bridge.yaml, `identities`: `{}`", identity.name))
        .found(found, format!("a member of {} on {}", place.role, place.named))
        .mend("give what the bridge declares, in the place of the other one", "gangplank apply");
    // `apply` takes away whatever else is of our pool; this one is of none.
    if code != "google/member-names-project-id" {
        return Some(finding);
    }
    let what = "then take the other one away: it stands for nobody";
    let finding = finding.mend(what, format!("{} --member='{found}'", place.remove));
    Some(finding)
}

/// How many characters have to be changed, added or taken away, counted up to two: 0, 1, or 2 for more.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let begins = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let rest = one.len().min(other.len()) - begins;
    let ends = one.iter().rev().zip(other.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    (one.len().max(other.len()) - begins - ends).min(2)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn one_character_is_near() {
        for (one, other, expected) in [
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "abcd", 1),
            ("abc", "bc", 1),
            ("abc", "xyz", 2),
            ("aab", "ab", 1),
            ("", "a", 1),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
