//! Evidence in files that were collected elsewhere: judged by `doctor --evidence`, made use of by `explain --evidence`. Asks
//! no cloud and needs no bridge; a bridge file among them says what is expected.

use std::path::{Path, PathBuf};

use bridge::doctor::offline::{NoSuchTeam, examine};
use bridge::exhibit::{Exhibits, Paper, Unread, gather};

use crate::args::Common;
use crate::output::print;
use crate::report::{Exit, Failure};

/// Folders that hold no evidence.
const PASSED_OVER: [&str; 3] = [".git", "node_modules", "target"];
/// The most files that are read; more is a folder named by mistake.
const MOST: usize = 2_000;
/// The largest file that is read.
const LARGEST: u64 = 8 << 20;

/// Prints what the files show; denied if a link is broken.
pub(super) fn run(common: &Common, paths: &[PathBuf], team: Option<&str>) -> Result<Exit, Failure> {
    let report = examine(&exhibits(paths, None)?, team).map_err(|problem| no_such_team(&problem))?;
    print(common.output, &report);
    Ok(if report.is_broken() { Exit::Denied } else { Exit::Fine })
}

fn no_such_team(problem: &NoSuchTeam) -> Failure {
    let hint = match problem {
        NoSuchTeam::NoBridge(_) => "put the bridge file among the evidence, or leave `--team` out",
        NoSuchTeam::Unknown { .. } => "name one of these",
    };
    Failure::usage(problem.to_string()).hint(hint)
}

/// What the files show, and an error text beside them.
pub(super) fn exhibits(paths: &[PathBuf], error_text: Option<String>) -> Result<Exhibits, Failure> {
    let mut files = Vec::new();
    for path in paths {
        list(path, &mut files)?;
    }
    let mut unread = Vec::new();
    let mut read: Vec<(String, String)> =
        error_text.map(|text| ("the error text".to_owned(), text)).into_iter().collect();
    for file in files {
        let name = file.display().to_string();
        match text(&file) {
            Ok(text) => read.push((name, text)),
            Err(why) => unread.push(Unread { file: name, why }),
        }
    }
    let papers: Vec<Paper<'_>> = read.iter().map(|(name, text)| Paper { name, text }).collect();
    let mut exhibits = gather(&papers);
    exhibits.unread.extend(unread);
    Ok(exhibits)
}

/// The files below a path, in the order of their names.
fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("`{}` cannot be read: {error}", path.display()))
            .hint("name a file or a folder of evidence")
    };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(unreadable)?;
    let mut below: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    below.sort();
    for entry in below {
        let passed_over =
            entry.file_name().and_then(|name| name.to_str()).is_some_and(|name| PASSED_OVER.contains(&name));
        // A link to a folder may lead round in a circle.
        let circle = entry.is_dir() && entry.is_symlink();
        if !passed_over && !circle && (entry.is_dir() || entry.is_file()) {
            list(&entry, files)?;
        }
        if files.len() > MOST {
            return Err(Failure::usage(format!("`{}` holds more than {MOST} files", path.display()))
                .hint("name the folder that holds the evidence alone"));
        }
    }
    Ok(())
}

/// A file's text, or why there is none.
fn text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LARGEST {
        return Err(format!("the file has {size} bytes, expected at most {LARGEST}"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "the file is no text in UTF-8".to_owned())?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}
