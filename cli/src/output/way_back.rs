//! The doctor's look at a workload's way back, for people: link by link, then each finding.

use std::fmt::Write;

use bridge::doctor::way_back::WayBack;

use super::Human;
use super::diagnosis::sign;

impl Human for WayBack {
    fn human(&self) -> String {
        let mut text = String::new();
        for link in &self.links {
            let _ = writeln!(text, "{:<7} {:<20} {}", sign(link.outcome), link.name, link.detail);
        }
        for finding in &self.findings {
            let _ = write!(text, "\n{}", finding.human());
        }
        if self.findings.is_empty() {
            text.push_str("\nnothing that could be seen is wrong\n");
        }
        text
    }
}
