//! `gangplank snapshot`: what the doctor looks at, as a folder of files without any secret.

use std::io::Write;
use std::path::Path;

use bridge::doctor::Probe;
use bridge::exhibit::snapshot::{Sheet, questions, sheets};
use bridge::port::Time;

use super::{connect, doctor};
use crate::args::Snapshot;
use crate::context::Context;
use crate::edge::{self, SystemTime};
use crate::output::{out, say};
use crate::report::{Exit, Failure};

/// Asks everything once, and writes the answers down.
pub(super) async fn run(context: &Context, flags: &Snapshot) -> Result<Exit, Failure> {
    let probe = connect::probe(context)?;
    let team = doctor::chosen(context, flags.team.as_deref(), &probe).await?;
    let mut seen = Vec::new();
    for ask in questions(&context.bridge, team) {
        let answer = probe.fetch(&ask).await;
        seen.push((ask, answer));
    }
    let sheets = sheets(&seen, SystemTime.now()).map_err(|secret| Failure::failed(secret.to_string()))?;
    std::fs::create_dir_all(&flags.dir).map_err(|error| unwritable(&flags.dir, &error))?;
    for sheet in &sheets {
        write(&flags.dir, sheet)?;
    }
    say(&format!("look at it with: gangplank doctor --evidence {}", flags.dir.display()));
    Ok(Exit::Fine)
}

fn write(folder: &Path, sheet: &Sheet) -> Result<(), Failure> {
    let path = folder.join(sheet.name);
    edge::write_private(&path, |file: &mut dyn Write| file.write_all(sheet.text.as_bytes()))
        .map_err(|error| unwritable(&path, &error))?;
    out(&format!("{}\n", path.display()));
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("`{}` cannot be written: {error}", path.display()))
        .hint("name another folder with --dir")
}
