//! What is asked of `gangplank` in a scenario, and what is read from its answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::folder::Finding;
use crate::harbour::{Ended, Harbour, ended, source};

pub(crate) fn ask(harbour: &Harbour, asks: &str, who: Option<&str>, env: &BTreeMap<String, String>) -> Ended {
    let mut arguments: Vec<&str> = asks.split_whitespace().collect();
    if !asks.starts_with("snapshot") {
        arguments.extend(["-o", "json"]);
    }
    let mut command = harbour.command(&arguments);
    if let Some(who) = who {
        source(&mut command, &harbour.file(&format!("{who}.env")));
    }
    for (name, value) in env {
        if value.is_empty() {
            command.env_remove(name)
        } else {
            command.env(name, filled(harbour, value))
        };
    }
    ended(command)
}

/// The findings, each at the hop or link that it is about.
pub(crate) fn findings(answer: &Value) -> Vec<Finding> {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let hops = answer["hops"].as_array().or(answer["links"].as_array());
    let mut about = hops
        .into_iter()
        .flatten()
        .filter(|hop| ["broken", "risky"].contains(&hop["outcome"].as_str().unwrap()));
    let mut hop =
        || about.next().map(|hop| format!("{}{}", text(hop, "hop"), text(hop, "name"))).unwrap_or_default();
    let one = |finding: &Value| Finding {
        code: text(finding, "code"),
        cause: text(finding, "cause"),
        hop: hop(),
        severity: text(finding, "severity"),
        confidence: text(finding, "confidence"),
    };
    answer["findings"].as_array().unwrap().iter().map(one).collect()
}

/// The command lines among the mends, with names in the place of what differs from one sandbox to the next.
pub(super) fn printed(harbour: &Harbour, answer: &Value) -> Vec<String> {
    let findings = answer["findings"].as_array().unwrap();
    let mends = findings.iter().flat_map(|finding| finding["mend"].as_array().unwrap());
    mends.filter_map(|mend| Some(named(harbour, mend["command"].as_str()?))).collect()
}

/// Text with `${NAME}` in the place of addresses and the application's id.
fn named(harbour: &Harbour, text: &str) -> String {
    let places = harbour.sandbox.places();
    let differing = places.iter().filter(|(_, value)| value.contains(':') || value.len() == 36);
    let seeded = [sandbox::seed::TENANT, sandbox::seed::SUBSCRIPTION];
    let differing = differing.filter(|(_, value)| !seeded.contains(&value.as_str()));
    differing.fold(text.to_owned(), |text, (name, value)| text.replace(value, &format!("${{{name}}}")))
}

pub(crate) fn filled(harbour: &Harbour, text: &str) -> String {
    let fill = |text: String, (name, value): (String, String)| text.replace(&format!("${{{name}}}"), &value);
    harbour.sandbox.places().into_iter().fold(text.to_owned(), fill)
}

pub(super) fn expect(ended: &Ended, code: i32, what: &str) -> Result<(), String> {
    let said = format!("stdout:\n{}\nstderr:\n{}", ended.stdout, ended.stderr);
    if said.contains("panicked at") {
        return Err(format!("`{what}` panicked\n{said}"));
    }
    if ended.code == code {
        Ok(())
    } else {
        Err(format!("`{what}` ended with {}, expected {code}\n{said}", ended.code))
    }
}

pub(super) fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap()
}
