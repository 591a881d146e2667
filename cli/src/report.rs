//! The words of every failure: what failed, because of what, what to try. One table, so that the product has one voice.

use std::error::Error;
use std::process::ExitCode;

use bridge::constraint;
use bridge::file::Problem;
use bridge::port::{PortError, Refused};
use bridge::spec::Bridge;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use crate::output::say;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Fine,
    /// We, or a service, failed.
    Failed,
    /// What was typed, or a file, is wrong.
    Usage,
    /// Somebody said no, or something was found.
    Denied,
    /// The clouds are not as declared.
    Drift,
    /// Ctrl-C.
    Interrupted,
}

/// A failure, worded.
#[derive(Debug, Clone)]
pub struct Failure {
    /// How the command ends.
    pub exit: Exit,
    /// What failed, in the user's words.
    pub what: String,
    /// Because of what, outermost first.
    pub causes: Vec<String>,
    /// What to try.
    pub hints: Vec<String>,
}

/// Where a "no" on the way across is explained.
const DOCTOR: &str = "`gangplank doctor --team TEAM` walks the chain and names the link that is broken";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Denied => 3,
            Exit::Drift => 4,
            Exit::Interrupted => 130,
        })
    }
}

impl Failure {
    /// A failure of ours.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// Something typed or written wrongly.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// A no.
    pub fn denied(what: impl Into<String>) -> Self {
        Self::new(Exit::Denied, what)
    }

    fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds an error and everything beneath it as causes.
    #[must_use]
    pub fn because(mut self, error: &dyn Error) -> Self {
        self.causes.push(error.to_string());
        let mut source = error.source();
        while let Some(error) = source {
            let text = error.to_string();
            let said = self.causes.last().is_some_and(|last| last.ends_with(&text));
            if !said {
                self.causes.push(text);
            }
            source = error.source();
        }
        self
    }

    /// Takes exit code and hints from what a service answered.
    #[must_use]
    pub fn answered(mut self, error: &PortError) -> Self {
        match error.kind {
            Refused::Denied => {
                self.exit = Exit::Denied;
                self.hints.push(DOCTOR.to_owned());
                // Resource Manager does not tell a scope that is not there from one that is closed.
                if let Some(keys) =
                    naming_keys(error.service).filter(|_| error.message.contains("or the scope is invalid"))
                {
                    self.hints.push(format!("or the name is another: {keys} in the bridge file name it"));
                }
            }
            Refused::Unauthenticated => {
                self.exit = Exit::Denied;
                self.hints.push(DOCTOR.to_owned());
                self.hints.push("or log in again; -v says which log-in was used".to_owned());
            }
            Refused::Conflict => {
                self.hints.push("something else changed it meanwhile: run the command again".to_owned());
            }
            Refused::Throttled | Refused::Unavailable => {
                self.hints.push(
                    "this may pass: run the same command again, it goes on where it stopped".to_owned(),
                );
            }
            Refused::NotFound => {
                if let Some(keys) = naming_keys(error.service) {
                    self.exit = Exit::Usage;
                    self.hints.push(format!("{keys} in the bridge file name it"));
                }
            }
            Refused::Invalid => {}
        }
        self
    }

    /// Explains a refusal by an organisation's policy: no right on the project, and no other try, helps against it.
    #[must_use]
    pub fn constrained(mut self, bridge: &Bridge, error: &PortError) -> Self {
        if let Some(found) = constraint::explain(bridge, error) {
            self.exit = Exit::Denied;
            self.causes.push(format!(
                "the organisation's policy `{}` forbids {}; needed is {}",
                found.constraint, found.forbids, found.needed
            ));
            self.hints.clear();
            self.hints.push(format!("`{}` shows the policy as it is", found.show));
            self.hints.push(format!("`{}`; {}", found.change, constraint::WHO));
        } else if error.code.as_deref() == Some("SERVICE_DISABLED") {
            // Nothing about it is a link of the chain.
            self.hints.retain(|hint| hint != DOCTOR);
        }
        self
    }

    /// The failure as lines for stderr.
    pub fn text(&self) -> String {
        let mut text = format!("error: {}", self.what);
        for cause in &self.causes {
            text.push_str("\n  because: ");
            text.push_str(&cause.replace('\n', "\n    "));
        }
        for hint in &self.hints {
            text.push_str("\n  try: ");
            text.push_str(hint);
        }
        text
    }

    /// Says it on stderr.
    pub fn say(&self) {
        say(&self.text());
    }
}

/// The keys of the bridge file that name what a service did not find.
fn naming_keys(service: &str) -> Option<&'static str> {
    match service {
        "Azure ML" => Some("`azure.subscription`, `azure.resourceGroup` and `azure.workspace`"),
        "Azure ML registry" => Some("`services[].model`"),
        "Kubernetes Engine" => Some("`google.project`, `google.location` and `google.cluster`"),
        "Cloud Resource Manager" => Some("`google.project` and `google.projectNumber`"),
        _ => None,
    }
}

/// A service's refusal while setting up, which no doctor has to be asked about: the administrator's own log-ins were used.
pub fn refused_set_up(doing: &str, error: &PortError) -> Failure {
    let mut failure = refused(doing, error);
    failure.hints.retain(|hint| hint != DOCTOR);
    failure
}

/// A service's refusal while `doing` something.
pub fn refused(doing: &str, error: &PortError) -> Failure {
    Failure::failed(format!("could not {doing}")).because(error).answered(error)
}

/// Problems in a file: the line underlined, what was expected.
pub fn problems(name: &str, text: &str, problems: &[Problem], colour: bool) -> Failure {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false);
    let mut drawn = String::new();
    for problem in problems {
        let report =
            Report::new(diagnostic(problem)).with_source_code(NamedSource::new(name, text.to_owned()));
        let _ = handler.render_report(&mut drawn, report.as_ref());
    }
    let count =
        if problems.len() == 1 { "one problem".to_owned() } else { format!("{} problems", problems.len()) };
    Failure::usage(format!("`{name}` has {count}\n{}", drawn.trim_end()))
}

fn diagnostic(problem: &Problem) -> MietteDiagnostic {
    let expected = problem.expected.as_ref().map(|expected| format!("expected {expected}"));
    let label = LabeledSpan::new_primary_with_span(expected, problem.spot.span.clone());
    let related = problem
        .related
        .iter()
        .map(|(spot, what)| LabeledSpan::new_with_span(Some(what.clone()), spot.span.clone()));
    let diagnostic =
        MietteDiagnostic::new(problem.message.clone()).with_labels(std::iter::once(label).chain(related));
    match &problem.help {
        Some(help) => diagnostic.with_help(help.clone()),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port_error(kind: Refused) -> PortError {
        let message = "denied".to_owned();
        PortError {
            service: "Artifact Registry",
            kind,
            status: Some(403),
            code: None,
            message,
            retry_after: None,
        }
    }

    #[test]
    fn a_no_exits_3_and_sends_to_the_doctor() {
        let failure = refused("push the image", &port_error(Refused::Denied));
        assert_eq!(failure.exit, Exit::Denied);
        assert_eq!(
            failure.text(),
            "error: could not push the image\n  because: Artifact Registry: denied\n  \
             try: `gangplank doctor --team TEAM` walks the chain and names the link that is broken"
        );
    }

    #[test]
    fn what_the_bridge_file_names_wrongly_is_its_keys_fault() {
        let error = PortError { service: "Azure ML", ..port_error(Refused::NotFound) };
        let failure = refused("list the models", &error);
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.text().contains("`azure.workspace`"), "{}", failure.text());
        assert_eq!(refused("push", &port_error(Refused::NotFound)).exit, Exit::Failed);
    }

    #[test]
    fn an_administrator_is_not_sent_to_the_doctor() {
        let failure = refused_set_up("look at both clouds", &port_error(Refused::Denied));
        assert_eq!((failure.exit, failure.hints.len()), (Exit::Denied, 0));
    }

    #[test]
    fn weather_exits_1_and_says_to_go_on() {
        let failure = refused("push the image", &port_error(Refused::Unavailable));
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.text().contains("goes on where it stopped"));
    }
}
