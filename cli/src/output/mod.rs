//! Printing: stdout is data, stderr is talk. The only place of the product that writes to either.

mod can;
mod diagnosis;
pub mod explanation;
mod imported;
pub mod models;
mod offline;
mod plan;
mod progress;
mod shipment;
mod way_back;
mod who;

use std::io::Write;

use serde::Serialize;

use crate::args::Format;

pub use progress::Progress;

/// A value people can read.
pub trait Human {
    /// The value in words, with a line break after every line.
    fn human(&self) -> String;
}

/// Prints a value on stdout in the wanted format.
pub fn print<T: Human + Serialize>(format: Format, value: &T) {
    match format {
        Format::Human => out(&value.human()),
        Format::Json => out(&json(value)),
        Format::Yaml => out(&yaml(value)),
    }
}

/// Prints a value that has no form for people: as YAML if that was asked for, else as JSON.
pub fn print_data<T: Serialize>(format: Format, value: &T) {
    match format {
        Format::Yaml => out(&yaml(value)),
        Format::Human | Format::Json => out(&json(value)),
    }
}

/// Prints a value as JSON.
pub fn print_value<T: Serialize>(value: &T) {
    out(&json(value));
}

/// Prints text on stdout as it is. A reader that went away (`| head`) is no failure.
pub fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Says one line on stderr.
pub fn say(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value)
        .map_or_else(|error| format!("{{\"error\": \"{error}\"}}\n"), |text| text + "\n")
}

fn yaml<T: Serialize>(value: &T) -> String {
    serde_saphyr::to_string(value).unwrap_or_else(|error| format!("error: {error}\n"))
}
