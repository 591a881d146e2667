//! The half that the offline doctor answers: the evidence that a case's context gives.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::Case;
use crate::source;

/// The causes of the doctor's findings, the first broken link first; nothing where a case has no evidence.
pub(super) fn causes(gangplank: &Path, case: &Case) -> anyhow::Result<Option<Vec<String>>> {
    let evidence = source::root().join("witness/field-failures/evidence").join(&case.id);
    if !evidence.is_dir() {
        return Ok(None);
    }
    let ended = Command::new(gangplank)
        .args(["doctor", "--output", "json", "--evidence"])
        .arg(&evidence)
        .output()
        .with_context(|| format!("cannot run {}", gangplank.display()))?;
    ensure!(matches!(ended.status.code(), Some(0 | 3)), "{}: doctor ended with {}", case.id, ended.status);
    let answer: Value = serde_json::from_slice(&ended.stdout).with_context(|| case.id.clone())?;
    let findings =
        answer.get("findings").and_then(Value::as_array).context("the answer has no `findings`")?;
    let broken = findings.iter().filter(|it| it.get("severity").and_then(Value::as_str) == Some("error"));
    let name = |finding: &Value| finding.get("cause").and_then(Value::as_str).map(str::to_owned);
    Ok(Some(broken.filter_map(name).collect()))
}
