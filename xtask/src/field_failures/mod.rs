//! The scoreboard: how often gangplank names the right cause of what strangers met. The cases are in
//! `witness/field-failures/`; each half shows a part of a case to the built `gangplank` and reads its answer.
//!
//! Left out are the cases of no class (`other`).

mod doctor;
mod explain;
mod tally;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::source;
use tally::Tally;

/// The files of cases, and what they are called.
const FILES: [(&str, &str); 3] =
    [("shared", "cases.jsonl"), ("held-out", "held-out.jsonl"), ("unseen", "unseen.jsonl")];

/// One failure that was met in the field.
pub(crate) struct Case {
    pub(crate) id: String,
    /// The error text, or what somebody said of it.
    pub(crate) symptom: String,
    /// The class of its root cause.
    pub(crate) cause: String,
    /// Whether the thread confirmed it.
    pub(crate) confirmed: bool,
}

/// Prints how well `explain` does on every file of cases, and `doctor` on those with evidence.
pub(crate) fn run() -> anyhow::Result<(String, ExitCode)> {
    let gangplank = built()?;
    let mut text = String::new();
    for (name, file) in FILES {
        let mut tally = Tally::default();
        let mut examined = Tally::default();
        let mut with_evidence = 0;
        for case in cases(&source::root().join("witness/field-failures").join(file))? {
            tally.count(&case, &explain::causes(&gangplank, &case)?);
            if let Some(causes) = doctor::causes(&gangplank, &case)? {
                examined.count(&case, &causes);
                with_evidence += 1;
            }
        }
        if with_evidence > 0 {
            text.push_str(&examined.table(&format!("doctor, with evidence: {name} cases ({file})")));
        }
        text.push_str(&tally.table(&format!("explain, from the symptom alone: {name} cases ({file})")));
    }
    Ok((text, ExitCode::SUCCESS))
}

/// The cases of a file, without those of no class.
fn cases(path: &Path) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (number, line) in source::read(path)?.lines().enumerate() {
        let at = || format!("{}:{}", path.display(), number + 1);
        let value: Value = serde_json::from_str(line).with_context(at)?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let case = Case {
            id: text("id"),
            symptom: text("symptom"),
            cause: text("cause"),
            confirmed: value.get("confirmed").and_then(Value::as_bool).unwrap_or(false),
        };
        ensure!(!case.id.is_empty() && !case.cause.is_empty(), "{}: no id or no cause", at());
        if case.cause != "other" {
            cases.push(case);
        }
    }
    Ok(cases)
}

/// Builds `gangplank` as tests do, and says where it is.
fn built() -> anyhow::Result<PathBuf> {
    let arguments = ["build", "--quiet", "--package", "gangplank"];
    let status = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args(arguments)
        .current_dir(source::root())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(crate::build::target().join("debug").join("gangplank"))
}
