//! What runs, seen while it runs: bars on a terminal, plain lines elsewhere, JSON events with `-o json`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bridge::port::{Event, Watch};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::say;
use crate::args::Format;

/// How often a plain line about the same bytes may come.
const EVERY: Duration = Duration::from_secs(2);

/// Draws events on stderr.
pub struct Progress {
    style: Style,
}

enum Style {
    Bars(Bars),
    Lines(Mutex<BTreeMap<String, Instant>>),
    Json,
}

struct Bars {
    all: MultiProgress,
    bytes: Mutex<BTreeMap<String, ProgressBar>>,
    rollout: Mutex<Option<ProgressBar>>,
}

impl Progress {
    /// Bars if stderr is a terminal, lines if not; JSON lines when the output format is JSON.
    pub fn new(format: Format) -> Self {
        let style = match format {
            Format::Json => Style::Json,
            Format::Human | Format::Yaml if std::io::stderr().is_terminal() => Style::Bars(Bars::new()),
            Format::Human | Format::Yaml => Style::Lines(Mutex::default()),
        };
        Self { style }
    }
}

impl Watch for Progress {
    fn event(&self, event: Event) {
        match &self.style {
            Style::Bars(bars) => bars.event(event),
            Style::Lines(last) => {
                if let Some(text) = due(last, &event) {
                    say(&text);
                }
            }
            Style::Json => {
                if let Ok(text) = serde_json::to_string(&event) {
                    say(&text);
                }
            }
        }
    }
}

impl Bars {
    fn new() -> Self {
        Self { all: MultiProgress::new(), bytes: Mutex::default(), rollout: Mutex::default() }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Bytes { what, done, total } => self.bytes(&what, done, total),
            Event::Rollout { ready, wanted, waiting } => self.rollout(ready, wanted, waiting),
            Event::Step { .. } => {
                self.settle();
                self.line(&line(&event));
            }
            Event::Skipped { .. } | Event::Retry { .. } | Event::Notice { .. } => self.line(&line(&event)),
        }
    }

    fn line(&self, text: &str) {
        let _ = self.all.println(text);
    }

    fn bytes(&self, what: &str, done: u64, total: u64) {
        let Ok(mut bars) = self.bytes.lock() else { return };
        let bar = bars.entry(what.to_owned()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(total));
            bar.set_style(style(
                "  {wide_msg} {bytes:>10}/{total_bytes:<10} {bytes_per_sec:>12} {eta:>4} {bar:20}",
            ));
            bar.set_message(what.to_owned());
            bar
        });
        bar.set_length(total);
        bar.set_position(done);
        if done >= total {
            bar.finish_and_clear();
            bars.remove(what);
        }
    }

    fn rollout(&self, ready: u32, wanted: u32, waiting: Option<String>) {
        let Ok(mut slot) = self.rollout.lock() else { return };
        let bar = slot.get_or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new(u64::from(wanted)));
            bar.set_style(style("  pods ready {pos}/{len} {bar:20} {wide_msg}"));
            bar
        });
        bar.set_length(u64::from(wanted));
        bar.set_position(u64::from(ready));
        bar.set_message(waiting.unwrap_or_default());
    }

    /// Clears what belongs to the step before.
    fn settle(&self) {
        if let Ok(mut bars) = self.bytes.lock() {
            for (_, bar) in std::mem::take(&mut *bars) {
                bar.finish_and_clear();
            }
        }
        if let Some(bar) = self.rollout.lock().ok().and_then(|mut slot| slot.take()) {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.settle();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The line for an event, unless one about the same bytes was said a moment ago.
fn due(last: &Mutex<BTreeMap<String, Instant>>, event: &Event) -> Option<String> {
    if let Event::Bytes { what, done, total } = event {
        let mut last = last.lock().ok()?;
        let recent = last.get(what).is_some_and(|time| time.elapsed() < EVERY);
        if recent && done < total {
            return None;
        }
        last.insert(what.clone(), Instant::now());
    }
    Some(line(event))
}

fn line(event: &Event) -> String {
    match event {
        Event::Step { name, detail } if name == detail => name.clone(),
        Event::Step { name, detail } => format!("{name:<10} {detail}"),
        Event::Bytes { what, done, total } => {
            format!("           {what}: {} of {}", size(*done), size(*total))
        }
        Event::Skipped { what, size: bytes, why } => {
            format!("           {what}: {} not sent, {why}", size(*bytes))
        }
        Event::Rollout { ready, wanted, waiting: None } => {
            format!("           {ready} of {wanted} pods ready")
        }
        Event::Rollout { ready, wanted, waiting: Some(why) } => {
            format!("           {ready} of {wanted} pods ready: {why}")
        }
        Event::Retry { what, why } => format!("           again: {what} ({why})"),
        Event::Notice { text } => format!("           note: {text}"),
    }
}

/// Bytes for people, in binary units.
fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(done: u64) -> Event {
        Event::Bytes { what: "model.onnx".into(), done, total: 2048 }
    }

    #[test]
    fn lines_about_the_same_bytes_come_seldom_but_the_last_always() {
        let last = Mutex::default();
        assert_eq!(due(&last, &bytes(0)).as_deref(), Some("           model.onnx: 0 B of 2.00 KiB"));
        assert_eq!(due(&last, &bytes(1024)), None);
        assert_eq!(due(&last, &bytes(2048)).as_deref(), Some("           model.onnx: 2.00 KiB of 2.00 KiB"));
    }

    #[test]
    fn a_rollout_says_why_it_waits() {
        let event = Event::Rollout { ready: 1, wanted: 2, waiting: Some("ImagePullBackOff".into()) };
        assert_eq!(line(&event), "           1 of 2 pods ready: ImagePullBackOff");
    }
}
