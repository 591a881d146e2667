//! A grant names another value than Google makes of the token: capitals, a branch, an environment, a wildcard.

use trust::principal::{Caller, Principal};

use super::super::case::Case;
use super::super::grants::{ACTING, Member, SeenPolicy};
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let callers = case.federated();
    let policies = case.account_policies();
    let members: Vec<Member<'_>> = policies.iter().flat_map(SeenPolicy::actors).collect();
    if members.iter().any(|member| callers.iter().any(|caller| caller.matches(member.text))) {
        return None;
    }
    let (member, expected, why) = callers.iter().find_map(|caller| {
        // The nearest comes first: one that differs in capitals only.
        let mut found: Vec<_> = members.iter().filter_map(|member| compared(caller, member)).collect();
        found.sort_by_key(|(_, _, why)| *why);
        found.into_iter().next()
    })?;
    let email = case.target().map_or_else(|| "ACCOUNT".to_owned(), |it| it.0);
    Some(
        Finding::new(
            "google/member-differs",
            cause::LITERAL_MISMATCH,
            format!("the grant on {email} names another value than the token's: {}", why.words()),
        )
        .expected(&expected, "what Google makes of the token")
        .found(member.text, &member.origin)
        .mend(
            "give the grant to what the token has",
            format!(
                "gcloud iam service-accounts add-iam-policy-binding {email} --role={} --member='{expected}'",
                ACTING[0]
            ),
        )
        .mend(
            "and take the other away, if nobody else needs it",
            format!(
                "gcloud iam service-accounts remove-iam-policy-binding {email} --role={} --member='{}'",
                member.role, member.text
            ),
        )
        .advice("do not give it to the whole pool (`/*`) instead: that admits every identity of the issuer"),
    )
}

/// How a member misses a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Capitals,
    Value,
    Wildcard,
    Pool,
}

impl Why {
    fn words(self) -> &'static str {
        match self {
            Self::Capitals => "only capitals differ",
            Self::Value => "the values differ",
            Self::Wildcard => "a `*` inside a value is a character like any other",
            Self::Pool => "it is of another pool or project, or names the project by its id",
        }
    }
}

/// The member beside the one that would mean this caller, if both are of a kind.
fn compared<'m>(caller: &Caller, member: &'m Member<'m>) -> Option<(&'m Member<'m>, String, Why)> {
    let Caller::Federated { pool_resource, mapped } = caller else { return None };
    let own = |principal: Principal| principal.to_string();
    let pool = pool_resource.clone();
    let (expected, theirs, ours, other_pool) = match member.text.parse::<Principal>() {
        Ok(Principal::Subject { pool: theirs, subject }) => (
            own(Principal::Subject { pool, subject: mapped.subject.clone() }),
            subject,
            mapped.subject.clone(),
            theirs != *pool_resource,
        ),
        Ok(Principal::Attribute { pool: theirs, name, value }) => {
            let mine = mapped.attributes.get(&name)?.clone();
            (
                own(Principal::Attribute { pool, name, value: mine.clone() }),
                value,
                mine,
                theirs != *pool_resource,
            )
        }
        Ok(Principal::FederatedGroup { pool: theirs, group }) => {
            let mine = mapped.groups.first()?.clone();
            (
                own(Principal::FederatedGroup { pool, group: mine.clone() }),
                group,
                mine,
                theirs != *pool_resource,
            )
        }
        Ok(Principal::Pool { pool: theirs }) => {
            let subject = own(Principal::Subject { pool, subject: mapped.subject.clone() });
            (subject, String::new(), String::new(), theirs != *pool_resource)
        }
        Err(_) if member.text.starts_with("principal") => {
            return Some((member, own(caller.principal()), Why::Pool));
        }
        Ok(_) | Err(_) => return None,
    };
    let why = if other_pool {
        Why::Pool
    } else if theirs.eq_ignore_ascii_case(&ours) {
        Why::Capitals
    } else if theirs.contains('*') {
        Why::Wildcard
    } else {
        Why::Value
    };
    Some((member, expected, why))
}
