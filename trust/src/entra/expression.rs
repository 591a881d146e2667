//! Flexible federated credentials: an expression over claims in place of a subject, as
//! `claims['sub'] matches 'repo:harbour/quay:ref:refs/heads/*'`.
//! <https://learn.microsoft.com/en-us/entra/workload-id/workload-identities-flexible-federated-identity-credentials>

use serde::{Deserialize, Serialize};

use crate::token::Claims;

/// An expression, as Microsoft Graph prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimsExpression {
    /// `claims['NAME'] OPERATOR 'TEXT'`, several with ` and ` between them.
    pub value: String,
    /// Always 1.
    pub language_version: u32,
}

/// Issuers whose tokens may be matched by expressions, with the claims that may be looked up. An issuer is known by the
/// start of its name: GitHub's may have an enterprise after it.
const ISSUERS: [(&str, &[&str]); 3] = [
    ("https://token.actions.githubusercontent.com", &["sub", "job_workflow_ref"]),
    ("https://gitlab.com", &["sub"]),
    ("https://app.terraform.io", &["sub"]),
];

/// One comparison.
struct Comparison<'e> {
    claim: &'e str,
    wildcards: bool,
    text: &'e str,
}

impl ClaimsExpression {
    /// Why Entra would not take the expression for `issuer`; nothing if it would.
    pub fn fault(&self, issuer: &str) -> Option<String> {
        let known = ISSUERS.iter().find(|(start, _)| of_issuer(issuer, start));
        let Some((_, claims)) = known else {
            return Some(format!(
                "tokens of `{issuer}` cannot be matched by an expression, only those of GitHub, GitLab and Terraform Cloud"
            ));
        };
        if self.language_version != 1 {
            return Some(format!("the language version is {}, expected 1", self.language_version));
        }
        let Some(comparisons) = comparisons(&self.value) else {
            return Some(format!(
                "`{}` is no expression, expected one as `claims['sub'] matches 'repo:o/r:*'`",
                self.value
            ));
        };
        let foreign = comparisons.iter().find(|one| !claims.contains(&one.claim));
        foreign.map(|one| {
            format!(
                "the claim `{}` of this issuer cannot be looked up, only {}",
                one.claim,
                claims.join(", ")
            )
        })
    }

    /// Whether `claims` of `issuer` match.
    pub(super) fn matches(&self, issuer: &str, claims: &Claims) -> bool {
        let holds = |one: &Comparison<'_>| {
            claims
                .text(one.claim)
                .is_some_and(|found| if one.wildcards { fits(one.text, found) } else { one.text == found })
        };
        self.fault(issuer).is_none() && comparisons(&self.value).is_some_and(|all| all.iter().all(holds))
    }
}

fn of_issuer(issuer: &str, start: &str) -> bool {
    issuer.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The comparisons of an expression; nothing if it is none.
fn comparisons(mut rest: &str) -> Option<Vec<Comparison<'_>>> {
    let mut found = Vec::new();
    loop {
        let (claim, after) = rest.strip_prefix("claims['")?.split_once("'] ")?;
        let (wildcards, after) = match after.strip_prefix("matches '") {
            Some(after) => (true, after),
            None => (false, after.strip_prefix("eq '")?),
        };
        let (text, after) = after.split_once('\'')?;
        found.push(Comparison { claim, wildcards, text });
        if after.is_empty() {
            return Some(found);
        }
        rest = after.strip_prefix(" and ")?;
    }
}

/// Does `text` fit `pattern`, where `*` stands for any characters and `?` for one? In time of the product of their lengths.
fn fits(pattern: &str, text: &str) -> bool {
    // Which places of the pattern can be reached; the first is before its first character.
    let pattern: Vec<char> = pattern.chars().collect();
    let mut reached = vec![false; pattern.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    skip_stars(&pattern, &mut reached);
    for character in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (place, expected) in
            pattern.iter().enumerate().filter(|(place, _)| reached.get(*place) == Some(&true))
        {
            let target = if *expected == '*' { place } else { place + 1 };
            if (matches!(expected, '*' | '?') || *expected == character)
                && let Some(target) = next.get_mut(target)
            {
                *target = true;
            }
        }
        skip_stars(&pattern, &mut next);
        reached = next;
    }
    reached.last() == Some(&true)
}

/// A `*` may stand for nothing.
fn skip_stars(pattern: &[char], reached: &mut [bool]) {
    for (place, _) in pattern.iter().enumerate().filter(|(_, expected)| **expected == '*') {
        if reached.get(place) == Some(&true)
            && let Some(after) = reached.get_mut(place + 1)
        {
            *after = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GITHUB: &str = "https://token.actions.githubusercontent.com";

    fn expression(value: &str) -> ClaimsExpression {
        ClaimsExpression { value: value.to_owned(), language_version: 1 }
    }

    #[test]
    fn wildcards_fit() {
        let table = [
            ("repo:a/b:ref:refs/heads/*", "repo:a/b:ref:refs/heads/main", true),
            ("repo:a/b:ref:refs/heads/*", "repo:a/b:ref:refs/tags/1", false),
            ("*", "", true),
            ("**a", "xa", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("A", "a", false),
            ("", "", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!fits(&"*a".repeat(200), &"a".repeat(199)));
    }

    #[test]
    fn claims_are_compared() {
        let claims =
            Claims::from_value(json!({"sub": "repo:a/b:ref:x", "job_workflow_ref": "a/w@v1"})).unwrap();
        let table = [
            ("claims['sub'] matches 'repo:a/*'", true),
            ("claims['sub'] eq 'repo:a/*'", false),
            ("claims['sub'] eq 'repo:a/b:ref:x'", true),
            ("claims['sub'] matches 'repo:a/*' and claims['job_workflow_ref'] matches 'a/w@*'", true),
            ("claims['sub'] matches 'repo:a/*' and claims['job_workflow_ref'] eq 'x'", false),
            ("claims['sub'] like 'repo:a/*'", false),
            ("claims['actor'] matches '*'", false),
            ("", false),
        ];
        for (value, expected) in table {
            assert_eq!(expression(value).matches(GITHUB, &claims), expected, "{value}");
            assert!(!expression(value).matches("https://container.googleapis.com/v1/p", &claims), "{value}");
        }
    }

    #[test]
    fn faults_are_named() {
        let good = expression("claims['sub'] eq 'x'");
        assert_eq!(good.fault(&format!("{GITHUB}/harbour")), None);
        let foreign = good.fault("https://gitlab.com.example").unwrap();
        assert!(foreign.starts_with("tokens of `https://gitlab.com.example` cannot"), "{foreign}");
        let claim = expression("claims['job_workflow_ref'] eq 'x'").fault("https://gitlab.com").unwrap();
        assert_eq!(claim, "the claim `job_workflow_ref` of this issuer cannot be looked up, only sub");
        let version = ClaimsExpression { language_version: 2, ..good }.fault(GITHUB).unwrap();
        assert_eq!(version, "the language version is 2, expected 1");
        assert!(expression("sub eq 'x'").fault(GITHUB).unwrap().contains("is no expression"));
    }
}
