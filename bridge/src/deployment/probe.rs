//! Probes: Azure ML's fields have Kubernetes' meaning.

use crate::file::tree::Node;
use crate::spec::ProbeTuning;

use super::format::ProbeFile;
use super::notes::Notes;

/// What Kubernetes does not let a liveness or startup probe ask for.
const ONE_SUCCESS: &str =
    "Kubernetes takes the first good answer: liveness and startup probes have no other threshold";

/// Reads the probe at `field`. `counts_successes`: whether Kubernetes lets it ask for several good answers.
pub(super) fn probe(
    file: Option<&ProbeFile>,
    field: &str,
    counts_successes: bool,
    root: &Node,
    notes: &mut Notes<'_>,
) -> ProbeTuning {
    let Some(file) = file else { return ProbeTuning::default() };
    let mut set = |name: &str, value: Option<u32>, becomes: &str| {
        if let Some(value) = value {
            notes.carried(root, &format!("{field}.{name}"), format!("`{becomes}: {value}`"));
        }
        value
    };
    let mut tuning = ProbeTuning {
        initial_delay: set("initial_delay", file.initial_delay, "initialDelaySeconds"),
        period: set("period", file.period, "periodSeconds"),
        timeout: set("timeout", file.timeout, "timeoutSeconds"),
        failure_threshold: set("failure_threshold", file.failure_threshold, "failureThreshold"),
        success_threshold: None,
        path: None,
    };
    if counts_successes {
        tuning.success_threshold = set("success_threshold", file.success_threshold, "successThreshold");
    } else if let Some(threshold) = file.success_threshold {
        let path = format!("{field}.success_threshold");
        match threshold {
            1 => notes.carried(root, &path, "`successThreshold: 1`, the only one there is".to_owned()),
            _ => notes.left(root, &path, ONE_SUCCESS),
        }
    }
    tuning
}
