//! A grant is there, for a member that is not the caller and looks like it: in other capitals, with a character changed,
//! with the project's id in the place of its number. Where no bridge declares several callers, any other value counts.

use trust::iam::Policy;
use trust::principal::{Caller as Account, Principal};

use super::caller::{Caller, Declared};
use super::chain::Chain;
use super::{Evidence, Thing};
use crate::finding::{Finding, cause};
use crate::spec::Right;

/// Where a grant is, and how one looks there.
pub(super) struct Place {
    /// What the policy was read as.
    pub(super) thing: Thing,
    /// The roles that give the right, the narrowest first.
    pub(super) roles: &'static [&'static str],
    /// The resource, for people.
    pub(super) named: String,
    /// The command that gives a role, but for `--role` and `--member`.
    pub(super) give: String,
    /// The command that takes a member out of a role, but for `--role` and `--member`.
    pub(super) remove: String,
    /// The right that the bridge must declare, where there is one.
    pub(super) right: Option<Right>,
}

/// How a member misses the caller; the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Capitals,
    OneCharacter,
    ProjectId,
    Value,
    Wildcard,
    Pool,
}

/// A member that misses the caller.
struct Miss<'p> {
    role: &'p str,
    found: &'p str,
    /// The member that would mean the caller.
    expected: String,
    /// Who says so.
    by: String,
    /// Its binding, and which of its members it is.
    at: (usize, usize),
    why: Why,
}

pub(super) fn check(
    chain: &Chain<'_>,
    evidence: &Evidence,
    caller: &Caller<'_>,
    policy: &Policy,
    place: &Place,
) -> Option<Finding> {
    let miss = nearest(chain, caller, policy, place)?;
    let (code, cause) = match miss.why {
        Why::ProjectId => ("google/member-names-project-id", cause::RESOURCE_NAME),
        _ => ("google/member-differs", cause::LITERAL_MISMATCH),
    };
    let summary = format!("a grant of `{}` on {} {}", miss.role, place.named, miss.why.words());
    let origin = evidence.places.member(place.thing, miss.at);
    let finding = Finding::new(code, cause, summary)
        .expected(&miss.expected, &miss.by)
        .found(miss.found, origin.unwrap_or_else(|| format!("a member of {} on {}", miss.role, place.named)));
    let remove = format!("{} --role={} --member='{}'", place.remove, miss.role, miss.found);
    if chain.way().is_none() {
        let give = format!("{} --role={} --member='{}'", place.give, miss.role, miss.expected);
        return Some(
            finding
                .mend("give the grant to what the token has", give)
                .mend("and take the other away, if nobody else needs it", remove)
                .advice("do not give it to the whole pool (`/*`) instead: that admits every identity of the issuer"),
        );
    }
    let finding =
        finding.mend("give what the bridge declares, in the place of the other one", "gangplank apply");
    // `apply` takes away whatever else is of our pool; this one is of none.
    if miss.why != Why::ProjectId {
        return Some(finding);
    }
    Some(finding.mend("then take the other one away: it stands for nobody", remove))
}

/// The member that comes nearest.
fn nearest<'p>(
    chain: &Chain<'_>,
    caller: &Caller<'_>,
    policy: &'p Policy,
    place: &Place,
) -> Option<Miss<'p>> {
    let principal = caller.principal();
    let declared = place.right.as_ref().map(|right| caller.declared(|it| it == right));
    let expected = |found: &str| match (&declared, chain) {
        (Some(Declared::Has { identity, member }), Chain::Declared(_)) => {
            Some((member.clone(), format!("bridge.yaml, `identities`: `{}`", identity.name)))
        }
        (_, Chain::Shown(_)) => {
            Some((beside(principal.as_ref()?, found)?, "what Google makes of the token".to_owned()))
        }
        _ => None,
    };
    let bindings = policy.bindings.iter().enumerate();
    let bindings = bindings.filter(|(_, it)| place.roles.contains(&it.role.as_str()));
    let members = bindings.flat_map(|(index, binding)| {
        binding.members.iter().enumerate().map(move |(at, found)| (binding.role.as_str(), found, (index, at)))
    });
    let misses = members.filter_map(|(role, found, at)| {
        let (expected, by) = expected(found).filter(|(expected, _)| expected != found)?;
        let why = why(&expected, found);
        Some(Miss { role, found, expected, by, at, why })
    });
    // A bridge declares several callers: another value is somebody else, and not this one misspelt.
    let counts = |miss: &Miss<'_>| chain.way().is_none() || miss.why <= Why::ProjectId;
    misses.filter(counts).min_by_key(|miss| miss.why)
}

/// The member of the same sort as `found` that would mean the caller.
fn beside(caller: &Account, found: &str) -> Option<String> {
    let Account::Federated { pool_resource, mapped } = caller else { return None };
    let pool = pool_resource.clone();
    let subject = || Principal::Subject { pool: pool.clone(), subject: mapped.subject.clone() };
    let expected = match found.parse::<Principal>() {
        Ok(Principal::Subject { .. } | Principal::Pool { .. }) => subject(),
        Ok(Principal::Attribute { name, .. }) => {
            let value = mapped.attributes.get(&name)?.clone();
            Principal::Attribute { pool, name, value }
        }
        Ok(Principal::FederatedGroup { .. }) => {
            let group = mapped.groups.first()?.clone();
            Principal::FederatedGroup { pool, group }
        }
        Err(_) if found.starts_with("principal") => subject(),
        Ok(_) | Err(_) => return None,
    };
    Some(expected.to_string())
}

fn why(expected: &str, found: &str) -> Why {
    let (pool, value) = halves(expected);
    let (other_pool, other_value) = halves(found);
    if pool != other_pool && value == other_value && by_id(pool, other_pool) {
        return Why::ProjectId;
    }
    if found.eq_ignore_ascii_case(expected) {
        return Why::Capitals;
    }
    if distance(found, expected) == 1 {
        return Why::OneCharacter;
    }
    if pool != other_pool {
        return Why::Pool;
    }
    if other_value.contains('*') { Why::Wildcard } else { Why::Value }
}

/// The pool of a member, and what in the pool it is.
fn halves(member: &str) -> (&str, &str) {
    let Some(start) = member.find("/workloadIdentityPools/").map(|at| at + "/workloadIdentityPools/".len())
    else {
        return (member, "");
    };
    let rest = member.get(start..).unwrap_or_default();
    member.split_at(start + rest.find('/').unwrap_or(rest.len()))
}

/// Whether two pools differ only in that one names its project by an id.
fn by_id(pool: &str, other: &str) -> bool {
    let project = |it: &str| -> Option<(String, String)> {
        let (before, rest) = it.split_once("/projects/")?;
        let (project, after) = rest.split_once('/')?;
        Some((project.to_owned(), format!("{before}{after}")))
    };
    let Some(((_, whole), (project, rest))) = project(pool).zip(project(other)) else { return false };
    whole == rest && !project.bytes().all(|byte| byte.is_ascii_digit())
}

impl Why {
    fn words(self) -> &'static str {
        match self {
            Self::Capitals => "differs from the caller in capitals alone",
            Self::OneCharacter => "differs from the caller in one character",
            Self::ProjectId => "names the project by its id, where it takes the number",
            Self::Value => "names another value than the token's",
            Self::Wildcard => "has a `*` inside a value, which is a character like any other",
            Self::Pool => "is of another pool or project",
        }
    }
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
    use super::*;

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

    #[test]
    fn members_miss_in_different_ways() {
        let pool = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p";
        let expected = format!("{pool}/subject/repo:a/b");
        for (found, why_expected) in [
            (format!("{pool}/subject/repo:A/b"), Why::Capitals),
            (format!("{pool}/subject/repo:a/bb"), Why::OneCharacter),
            (format!("{pool}/subject/repo:a/*"), Why::OneCharacter),
            (format!("{pool}/subject/repo:long/*"), Why::Wildcard),
            (format!("{pool}/subject/repo:other/one"), Why::Value),
            (expected.replace("projects/1", "projects/name"), Why::ProjectId),
            (expected.replace("Pools/p", "Pools/other"), Why::Pool),
            ("principal:nonsense".to_owned(), Why::Pool),
        ] {
            assert_eq!(why(&expected, &found), why_expected, "{found}");
        }
    }
}
