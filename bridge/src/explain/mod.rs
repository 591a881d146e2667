//! Any error text in, its causes out.
//!
//! 1. [`cut`]: a long log is cut down to what lies around its errors.
//! 2. [`text`]: escapes, colours, quotes and line breaks are undone.
//! 3. [`recognise`]: the [`table`]s know what services, tools and people say, and which causes it had in the field.
//! 4. [`feature`]: values and words inside the text shift the weights.
//! 5. [`rank`]: causes in order, each with its [`advice`].
//!
//! The tables are text files in `explain/table/`; their format is told in [`table`].

mod advice;
mod cut;
mod feature;
mod index;
mod page;
mod rank;
mod recognise;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod value;

pub use advice::Advice;
pub use cut::READ;
pub use page::{Essence, essence};

use serde::Serialize;

use crate::finding::{Confidence, Finding};
use recognise::Hit;
use text::Text;

/// How many recognised texts are named.
const NAMED: usize = 8;

/// What was recognised in a text, and what it comes from. Its JSON is frozen: other programs read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// What was recognised, most telling first; empty if nothing was.
    pub recognised: Vec<Recognised>,
    /// The causes, most likely first; empty if nothing was recognised.
    pub causes: Vec<Cause>,
    /// Whether only the parts around its errors were read, since the text is longer than [`READ`].
    #[serde(skip)]
    pub cut: bool,
}

/// A text that somebody is known to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recognised {
    /// Who says it: a service, a tool, a library, or `description` for what people say about errors.
    pub service: &'static str,
    /// Its code, as the service spells it; empty where it has none.
    pub code: &'static str,
    /// The words, as they stand in the text, without secrets.
    pub text: String,
    /// What they mean.
    #[serde(skip)]
    pub means: &'static str,
    /// Where they were seen before.
    #[serde(skip)]
    pub source: &'static str,
}

/// One explanation of a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cause {
    /// The class, one of [`crate::finding::cause`].
    pub cause: &'static str,
    /// Its share of all that speaks for any cause, from 0 to 1.
    pub confidence: f64,
    /// Why the text can have this cause.
    pub why: String,
    /// What to do: a sentence, then command lines after `$`, then what not to do.
    pub mend: String,
    /// What would decide whether it is this one.
    pub evidence_needed: String,
    /// The same in parts.
    #[serde(skip)]
    pub advice: Advice,
}

/// Explains a text: an error message, a log, a code. Any bytes will do.
pub fn explain(input: &[u8]) -> Explanation {
    let (read, cut) = cut::interesting(input);
    let text = Text::read(&read);
    let hits = recognise::recognise(&text);
    let signs = feature::signs(&text, &hits);
    let causes = if hits.is_empty() { Vec::new() } else { rank::rank(&hits, &signs) };
    Explanation { recognised: recognised(&text, &hits), causes: causes.iter().map(told).collect(), cut }
}

impl Recognised {
    /// A finding of ours, named by its code.
    pub fn finding(code: &'static str, text: String) -> Self {
        Self { service: "gangplank", code, text, means: "a finding", source: "docs/findings" }
    }
}

impl Explanation {
    /// What evidence decided: the causes of its findings come first, in the findings' order.
    #[must_use]
    pub fn decided_by(mut self, findings: &[Finding]) -> Self {
        for finding in findings.iter().rev() {
            let known = self.causes.iter().position(|cause| cause.cause == finding.cause);
            let mut cause = known.map_or_else(|| unforeseen(finding), |at| self.causes.remove(at));
            cause.why = format!("the evidence shows it: {}", finding.summary);
            cause.confidence = match finding.confidence {
                Confidence::Certain => 0.99,
                Confidence::Likely => 0.8,
                Confidence::Possible => 0.5,
            };
            if let Some(mend) = finding.mend.first() {
                cause.mend = once_more(&mend.what, mend.command.as_deref());
            }
            self.causes.insert(0, cause);
        }
        self
    }
}

fn recognised(text: &Text, hits: &[Hit]) -> Vec<Recognised> {
    let mut hits: Vec<Hit> = hits.iter().filter(|hit| !rank::said_better(hit, hits)).copied().collect();
    hits.sort_by_key(|hit| -rank::strength(hit));
    let mut named: Vec<Recognised> = Vec::new();
    for Hit { signature, from, to } in hits {
        let one = Recognised {
            service: signature.service,
            code: signature.code,
            text: text.quote(from, to),
            means: signature.means,
            source: signature.source,
        };
        let said = |other: &Recognised| (other.service, &other.text) == (one.service, &one.text);
        if named.len() < NAMED && !named.iter().any(said) {
            named.push(one);
        }
    }
    named
}

fn told(ranked: &rank::Ranked) -> Cause {
    let signature = ranked.hit.map(|hit| hit.signature);
    let mut advice = advice::about(signature.map_or("any", |row| row.area), ranked.class);
    let mut why = advice.why.clone();
    for because in &ranked.signs {
        why = format!("{why}; the text {because}");
    }
    advice.why.clone_from(&why);
    Cause {
        cause: ranked.class,
        confidence: ranked.confidence,
        why,
        mend: in_one(&advice),
        evidence_needed: advice.evidence.to_owned(),
        advice,
    }
}

fn in_one(advice: &Advice) -> String {
    let mut text = advice.mend.clone();
    for command in &advice.commands {
        text = once_more(&text, Some(command));
    }
    if !advice.danger.is_empty() {
        text = format!("{text}\ndo not: {}", advice.danger);
    }
    text
}

fn once_more(text: &str, command: Option<&str>) -> String {
    command.map_or_else(|| text.to_owned(), |command| format!("{text}\n$ {command}"))
}

/// A cause that the text alone did not suggest.
fn unforeseen(finding: &Finding) -> Cause {
    let advice = advice::about("any", finding.cause);
    Cause {
        cause: finding.cause,
        confidence: 0.0,
        why: String::new(),
        mend: in_one(&advice),
        evidence_needed: advice.evidence.to_owned(),
        advice,
    }
}
