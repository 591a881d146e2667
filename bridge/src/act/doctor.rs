//! Walks the chain with live evidence: asks the probe for what the walk wants until the walk concludes.

use std::collections::BTreeSet;

use crate::doctor::{Diagnosis, Evidence, Probe, Step, Walk};

/// Examines the chain. A probe that does not answer the question it was asked is taken to have seen nothing.
pub async fn examine<P: Probe>(walk: &Walk<'_>, probe: &P) -> Diagnosis {
    let mut evidence = Evidence::default();
    let mut asked = BTreeSet::new();
    loop {
        match walk.next(&evidence) {
            Step::Done(diagnosis) => return diagnosis,
            Step::Ask(ask) => {
                let answer = if asked.insert(ask.clone()) {
                    probe.fetch(&ask).await
                } else {
                    ask.unseen("the probe answered another question")
                };
                evidence.add(answer);
            }
        }
    }
}
