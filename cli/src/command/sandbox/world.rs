//! `gangplank sandbox load` and `--world`: a world from a file.

use std::path::Path;

use reqwest::Method;
use sandbox::Problem;
use serde_json::Value;

use super::control;
use crate::args::LoadWorld;
use crate::edge;
use crate::output::say;
use crate::report::{Exit, Failure};

/// A world file, read.
pub(super) struct World {
    /// As the user named it.
    pub(super) name: String,
    /// What it says.
    pub(super) text: String,
}

/// Reads a world file.
pub(super) fn read(path: &Path) -> Result<World, Failure> {
    let name = path.display().to_string();
    let bytes = edge::read(path)
        .map_err(|error| Failure::usage(format!("the world `{name}` is not there")).because(&error))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::usage(format!("the world `{name}` is not UTF-8")).because(&error))?;
    Ok(World { name, text })
}

/// `sandbox load`.
pub(super) async fn load(flags: &LoadWorld) -> Result<Exit, Failure> {
    let world = read(&flags.world)?;
    let (fine, answer) = control::send(&flags.control, Method::POST, "world", Some(world.text)).await?;
    if fine {
        say(&format!("the world of `{}` is loaded", world.name));
        return Ok(Exit::Fine);
    }
    let problems = answer.get("problems").and_then(Value::as_array).cloned().unwrap_or_default();
    let problems: Vec<Problem> =
        problems.into_iter().filter_map(|problem| serde_json::from_value(problem).ok()).collect();
    Err(refused(&world.name, &problems))
}

/// What is wrong with a world file, place by place.
pub(super) fn refused(name: &str, problems: &[Problem]) -> Failure {
    let mut failure = Failure::usage(format!("the world `{name}` does not load"));
    failure.causes = problems.iter().map(|problem| format!("{name}:{problem}")).collect();
    failure.hint("docs/worlds.md describes the file")
}
