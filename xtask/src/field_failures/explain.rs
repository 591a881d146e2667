//! The half that `explain` answers: the symptom alone, on stdin.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::Case;

/// The causes that `gangplank explain` names, most likely first.
pub(super) fn causes(gangplank: &Path, case: &Case) -> anyhow::Result<Vec<String>> {
    let mut child = Command::new(gangplank)
        .args(["explain", "--output", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", gangplank.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(case.symptom.as_bytes()).with_context(|| format!("{}: stdin", case.id))?;
    }
    let ended = child.wait_with_output()?;
    ensure!(ended.status.success(), "{}: explain ended with {}", case.id, ended.status);
    let answer: Value = serde_json::from_slice(&ended.stdout).with_context(|| case.id.clone())?;
    let causes = answer.get("causes").and_then(Value::as_array).context("the answer has no `causes`")?;
    let name = |cause: &Value| cause.get("cause").and_then(Value::as_str).map(str::to_owned);
    Ok(causes.iter().filter_map(name).collect())
}
