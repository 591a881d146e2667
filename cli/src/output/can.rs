//! The answer to `can`, for people: yes or no, then what each way takes.

use std::fmt::Write;

use bridge::can::{Check, Verdict, Way};

use super::Human;

impl Human for Verdict {
    fn human(&self) -> String {
        let word = if self.allowed { "yes" } else { "no" };
        let can = if self.allowed { "can" } else { "cannot" };
        let mut text = format!("{word}: {} {can} {}\n", self.who.name, self.what);
        if !self.settled {
            text.push_str("as far as could be seen and decided; see below what is open\n");
        }
        // Where one way is open, the closed ones are of no use to anybody.
        for way in self.ways.iter().filter(|way| way.allowed || !self.allowed) {
            let _ = write!(text, "\n{}", way_text(way));
        }
        let mut open = Vec::new();
        open.extend(self.who.notes.iter().cloned());
        let unseen = self.unseen.iter();
        open.extend(
            unseen.map(|it| format!("{} could not be seen ({}); it takes {}", it.what, it.why, it.right)),
        );
        if !open.is_empty() {
            text.push_str("\nopen:\n");
        }
        for line in open {
            let _ = writeln!(text, "  {line}");
        }
        text
    }
}

fn way_text(way: &Way) -> String {
    let mut text = match &way.through {
        Some(team) => format!("through team `{team}`, as {}\n", way.acting_as),
        None => format!("as {}\n", way.acting_as),
    };
    for check in &way.checks {
        text.push_str(&check_text(check));
    }
    text
}

fn check_text(check: &Check) -> String {
    let sign = match (check.allowed, check.settled) {
        (true, _) => "yes",
        (false, true) => "no",
        (false, false) => "open",
    };
    let mut text = format!("  {sign:<5}{}\n", check.needs);
    let lines = if check.allowed { &check.allowed_by } else { &check.because };
    for line in lines {
        let _ = writeln!(text, "       {line}");
    }
    if let Some(nearest) =
        check.nearest.as_ref().filter(|nearest| !lines.iter().any(|it| it.contains(*nearest)))
    {
        let _ = writeln!(text, "       nearest: {nearest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use bridge::act;
    use bridge::can::{Collected, Question, Who, Wish};
    use bridge::exhibit::{Paper, gather};

    use super::*;

    /// The answer that a bridge file and one more file give.
    fn told(
        paper: Option<(&str, &str)>,
        (who, verb, what, namespace): (&str, &str, &str, Option<&str>),
    ) -> String {
        let bridge = include_str!("../../tests/bridge.yaml");
        let papers = [("bridge.yaml", bridge)].into_iter().chain(paper);
        let papers: Vec<Paper<'_>> = papers.map(|(name, text)| Paper { name, text }).collect();
        let exhibits = gather(&papers);
        let bridge = exhibits.bridge().unwrap().unwrap();
        let wish = Wish::parse(&bridge, verb, what, namespace, None).unwrap();
        let question =
            Question { bridge: &bridge, who: Who::new(who), wish, now: jiff::Timestamp::UNIX_EPOCH };
        let seen = Collected { exhibits: &exhibits, bridge: &bridge };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(act::can::ask(&question, &seen)).unwrap().human()
    }

    #[test]
    fn answers_from_files() {
        let policy = r#"{"resource": "//artifactregistry.googleapis.com/projects/harbour-sandbox/locations/europe-west4/repositories/models", "policy":
            {"bindings": [{"role": "roles/artifactregistry.writer", "members": ["user:a@x.example"]}]}}"#;
        let paper = Some(("repository-policy.json", policy));
        let push = |who| (who, "push", "repository/models", None);
        insta::assert_snapshot!("can_from_a_policy", told(paper, push("user:a@x.example")));
        insta::assert_snapshot!("can_not_from_a_policy", told(paper, push("user:b@x.example")));
        let deploy = ("team/oncology", "create", "deployments", Some("team-oncology"));
        insta::assert_snapshot!("can_from_nothing", told(None, deploy));
    }
}
