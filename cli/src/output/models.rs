//! What Azure ML has, for people.

use std::fmt::Write;

use bridge::port::ModelVersion;
use serde::Serialize;

use super::Human;

/// The names of all models.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Names(pub Vec<String>);

/// The versions of one model, newest first.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Versions(pub Vec<ModelVersion>);

impl Human for Names {
    fn human(&self) -> String {
        if self.0.is_empty() { "the workspace has no models\n".to_owned() } else { self.0.join("\n") + "\n" }
    }
}

impl Human for Versions {
    fn human(&self) -> String {
        if self.0.is_empty() {
            return "the model has no versions that are not archived\n".to_owned();
        }
        let mut text = format!("{:<8} {:<14} {:<16} TAGS\n", "VERSION", "TYPE", "CREATED (UTC)");
        for version in &self.0 {
            let tags: Vec<String> =
                version.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let created =
                version.created.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
            let line =
                format!("{:<8} {:<14} {created:<16} {}", version.version, version.model_type, tags.join(" "));
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}
