//! The API server knows a service account by its number, and the bindings name its e-mail address.

use super::super::case::Case;
use super::super::words;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

const SCOPE: &str = "https://www.googleapis.com/auth/userinfo.email";

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let number = number(case);
    let narrow = case
        .of(Kind::TokenInfo)
        .find(|it| it.text("/scope").is_some_and(|scope| !scope.contains("userinfo.email")));
    let binding = case.objects(&["RoleBinding", "ClusterRoleBinding"]).find_map(email_subject);
    let (user, origin) = match (&number, narrow) {
        (Some(number), _) => (number.clone(), case.said_in(number)),
        (None, Some(info)) if binding.is_some() && case.says(&["forbidden", "cannot"]) => {
            ("the account's number".to_owned(), info.origin("/scope"))
        }
        _ => return None,
    };
    let (email, place) = binding
        .unwrap_or_else(|| ("the account's e-mail address".to_owned(), "the role bindings".to_owned()));
    let sure = place != "the role bindings" && number.is_some();
    Some(
        Finding::new("kubernetes/user-is-a-number", cause::RBAC_SUBJECT, "the API server knows the account by its number: its token lacks the scope for the e-mail address")
            .expected(email, place)
            .found(&user, origin)
            .confidence(if sure { Confidence::Certain } else { Confidence::Likely })
            .advice(format!("ask for the access token with the scope {SCOPE} as well"))
            .mend("or bind the number", format!("kubectl create rolebinding NAME --role=ROLE --user={user} --namespace=NAMESPACE")),
    )
}

/// The number of an account that a refusal names: 21 digits.
fn number(case: &Case<'_>) -> Option<String> {
    let is_number =
        |text: &str| (18..=24).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    let plain = case.said.replace(['{', '}', '&', '='], " ");
    let found = words::words(&plain).find(|word| is_number(word)).map(str::to_owned);
    found.filter(|_| case.says(&["forbidden", "user=&", "cannot"]))
}

fn email_subject(binding: &Exhibit) -> Option<(String, String)> {
    let subjects = binding.list("/subjects").iter().enumerate();
    subjects.into_iter().find_map(|(index, subject)| {
        let name = subject.get("name")?.as_str()?;
        name.contains("gserviceaccount.com")
            .then(|| (name.to_owned(), binding.origin(&format!("/subjects/{index}/name"))))
    })
}
