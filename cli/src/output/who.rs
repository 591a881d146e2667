//! Who one is on both sides, for people.

use std::fmt::Write;

use clouds::{Refusal, Seen, TeamAccess, WhoAmI};
use jiff::Timestamp;
use serde_json::Value;

use super::Human;

/// Claims that are times.
const TIMES: [&str; 3] = ["iat", "nbf", "exp"];

impl Human for WhoAmI {
    fn human(&self) -> String {
        let mut text = String::new();
        row(&mut text, "log-in", &self.log_in.which);
        row(&mut text, "because", &self.log_in.why);
        for (place, passed) in self.log_in.passed_over.iter().enumerate() {
            row(&mut text, if place == 0 { "not" } else { "" }, &passed.to_string());
        }
        match &self.log_in.shows {
            Seen::Is(None) => {}
            Seen::Is(Some(claims)) => rows(&mut text, "shows", &claim_lines(&claims.to_json())),
            Seen::Refused(refusal) => row(&mut text, "shows", &no(refusal)),
            Seen::NotReached => row(&mut text, "shows", "not reached"),
        }
        match &self.entra {
            Seen::Is(claims) => rows(&mut text, "Entra ID", &claim_lines(&claims.to_json())),
            Seen::Refused(refusal) => row(&mut text, "Entra ID", &no(refusal)),
            Seen::NotReached => row(&mut text, "Entra ID", "not reached"),
        }
        match &self.google {
            Seen::Is(principal) => row(&mut text, "Google", principal),
            Seen::Refused(refusal) => row(&mut text, "Google", &no(refusal)),
            Seen::NotReached => row(&mut text, "Google", "not reached"),
        }
        for team in &self.teams {
            row(&mut text, &format!("team {}", team.team), &access(team));
        }
        text
    }
}

fn row(text: &mut String, name: &str, value: &str) {
    let value = value.replace('\n', &format!("\n{:<16}", ""));
    let _ = writeln!(text, "{}", format!("{name:<15} {value}").trim_end());
}

fn rows(text: &mut String, name: &str, lines: &[String]) {
    row(text, name, &lines.join("\n"));
}

fn no(refusal: &Refusal) -> String {
    match &refusal.code {
        Some(code) if !refusal.message.contains(code.as_str()) => {
            format!("{} said no: {code}: {}", refusal.service, refusal.message)
        }
        _ => format!("{} said no: {}", refusal.service, refusal.message),
    }
}

fn access(team: &TeamAccess) -> String {
    match &team.refused {
        None => format!("deploys, as {}", team.service_account),
        Some(refusal) => format!("does not deploy: {}", no(refusal)),
    }
}

fn claim_lines(claims: &Value) -> Vec<String> {
    let lines = claims.as_object().into_iter().flatten().map(|(name, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(seconds) if TIMES.contains(&name.as_str()) => time(seconds.as_i64()),
            Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        };
        format!("{name:<8} {value}")
    });
    lines.collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn time(seconds: Option<i64>) -> String {
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "no time".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_are_lines_times_are_dates_and_lists_are_joined() {
        let lines = claim_lines(&json!({"aud": "a", "roles": ["A", "B"], "exp": 0, "hasgroups": true}));
        assert_eq!(lines, ["aud      a", "roles    A, B", "exp      1970-01-01T00:00:00Z", "hasgroups true"]);
    }

    #[test]
    fn a_code_is_named_once() {
        let refusal = |code: &str, message: &str| Refusal {
            service: "Entra ID",
            code: Some(code.to_owned()),
            message: message.to_owned(),
            passes: false,
        };
        assert_eq!(no(&refusal("AADSTS1", "AADSTS1: no")), "Entra ID said no: AADSTS1: no");
        assert_eq!(no(&refusal("invalid_grant", "no")), "Entra ID said no: invalid_grant: no");
    }
}
