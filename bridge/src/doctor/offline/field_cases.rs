//! The failures that strangers met: with the evidence that a case's context gives, the first finding names the right cause.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Report, examine};
use crate::exhibit::{Paper, gather};
use crate::finding::cause;

/// Of a hundred cases, how many the first finding must name rightly.
const BAR: usize = 95;

struct Case {
    id: String,
    cause: String,
    confirmed: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness/field-failures")
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.jsonl")).unwrap();
    let read = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| value[key].as_str().unwrap().to_owned();
        Case { id: text("id"), cause: text("cause"), confirmed: value["confirmed"].as_bool().unwrap() }
    };
    text.lines().map(read).filter(|case| case.cause != cause::OTHER).collect()
}

fn diagnosed(id: &str) -> Report {
    let mut papers = Vec::new();
    let entries = std::fs::read_dir(folder().join("evidence").join(id)).unwrap();
    for entry in entries {
        let path = entry.unwrap().path();
        papers.push((
            path.file_name().unwrap().to_str().unwrap().to_owned(),
            std::fs::read_to_string(&path).unwrap(),
        ));
    }
    papers.sort();
    let papers: Vec<Paper<'_>> = papers.iter().map(|(name, text)| Paper { name, text }).collect();
    let exhibits = gather(&papers);
    assert_eq!(exhibits.unread, [], "{id}");
    examine(&exhibits, None).unwrap()
}

#[test]
fn the_first_finding_names_the_cause() {
    let (mut right, mut all) = ([0, 0], [0, 0]);
    let mut wrong = Vec::new();
    for case in cases() {
        let report = diagnosed(&case.id);
        let first = report.findings.first().map(|finding| (finding.cause, finding.code));
        let good = first.is_some_and(|(cause, _)| cause == case.cause);
        let at = usize::from(case.confirmed);
        all[at] += 1;
        right[at] += usize::from(good);
        if !good {
            wrong.push(format!("{}: {}, found {first:?}", case.id, case.cause));
        }
    }
    println!("confirmed {}/{}, unconfirmed {}/{}", right[1], all[1], right[0], all[0]);
    for (right, all) in right.into_iter().zip(all) {
        assert!(right * 100 >= all * BAR, "{right} of {all}\n{}", wrong.join("\n"));
    }
}
