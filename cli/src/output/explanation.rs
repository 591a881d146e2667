//! An explanation, for people: what was recognised, the causes in order with their mends, and what would decide.

use std::fmt::Write;

use bridge::explain::{Cause, Essence, Explanation, Recognised};

use super::Human;

/// A cause below this share is told to programs only.
const WORTH_TELLING: f64 = 0.09;

/// What to do with a text in which nothing is known.
const NOTHING: &str = "nothing in this text is known to me

paste the whole message, with the service's own words: what follows `error_description`, `message` or `AADSTS`, not
the tool's summary of it; most tools print it with `-v`, `--debug` or `--log-http`. `gangplank explain -` reads a whole
log on stdin, escaped, coloured or wrapped as it may be.
";

impl Human for Explanation {
    fn human(&self) -> String {
        if self.recognised.is_empty() {
            return NOTHING.to_owned();
        }
        let mut text = String::from("recognised\n");
        for one in self.recognised.iter().take(4) {
            text.push_str(&named(one));
        }
        let told = self.causes.iter().take_while(|cause| cause.confidence >= WORTH_TELLING);
        for (number, cause) in told.enumerate() {
            let _ = write!(text, "\n{}", cause_in_words(number + 1, cause));
        }
        text + &decides(&self.causes)
    }
}

/// A finding's page in short.
pub fn essence(essence: &Essence) -> String {
    let Essence { code, summary, mend, danger } = essence;
    let mut text = format!("{code}\n\n{summary}\n");
    for (name, part) in [("mend", mend), ("do not", danger)] {
        if !part.is_empty() {
            let _ = write!(text, "\n{name}\n{part}\n");
        }
    }
    let _ = writeln!(text, "\npage: docs/findings/{code}.md");
    text
}

fn named(one: &Recognised) -> String {
    let code = if one.code.is_empty() { String::new() } else { format!(" {}", one.code) };
    format!("  {}{code}: {}\n    \"{}\"\n", one.service, one.means, one.text)
}

fn cause_in_words(number: usize, cause: &Cause) -> String {
    let advice = &cause.advice;
    let mut text = format!("{number}. {} ({:.0} %)\n", cause.cause, cause.confidence * 100.0);
    let _ = writeln!(text, "   why:  {}", cause.why);
    if advice.mend.is_empty() {
        let _ = writeln!(text, "   mend: {}", cause.mend.replace('\n', "\n         "));
        return text;
    }
    let _ = writeln!(text, "   mend: {}", advice.mend);
    for command in &advice.commands {
        let _ = writeln!(text, "         $ {command}");
    }
    if !advice.danger.is_empty() {
        let _ = writeln!(text, "   but:  {}", advice.danger);
    }
    if !advice.page.is_empty() {
        let _ = writeln!(text, "   page: docs/findings/{}.md", advice.page);
    }
    text
}

/// The evidence that would tell the first causes apart.
fn decides(causes: &[Cause]) -> String {
    let mut wanted: Vec<&str> = Vec::new();
    for cause in causes.iter().take(2).filter(|cause| cause.confidence >= WORTH_TELLING) {
        if !wanted.contains(&cause.evidence_needed.as_str()) {
            wanted.push(&cause.evidence_needed);
        }
    }
    format!("\nwhat would decide: {}\n", wanted.join("\n               or: "))
}

#[cfg(test)]
mod tests {
    use bridge::explain::explain;

    use super::*;

    fn told(text: &str) -> String {
        explain(text.as_bytes()).human()
    }

    #[test]
    fn messages_as_they_are_met() {
        insta::assert_snapshot!(
            "sts_condition",
            told(
                r#"google-github-actions/auth failed with: failed to generate Google Cloud federated token for //iam.googleapis.com/***: {"error":"unauthorized_client","error_description":"The given credential is rejected by the attribute condition."}"#
            )
        );
        insta::assert_snapshot!(
            "entra_subject",
            told(
                "AADSTS700213: No matching federated identity record found for presented assertion subject 'repo:octo@12/cat@34:ref:refs/heads/main'."
            )
        );
        insta::assert_snapshot!(
            "registry_push",
            told(
                r#"denied: Permission "artifactregistry.repositories.uploadArtifacts" denied on resource "projects/p/locations/europe-west3/repositories/r" (or it may not exist)"#
            )
        );
        insta::assert_snapshot!(
            "storage_firewall",
            told("403 AuthorizationFailure: This request is not authorized to perform this operation.")
        );
        insta::assert_snapshot!("nothing", told("it does not work"));
    }
}
