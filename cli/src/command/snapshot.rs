//! `gangplank snapshot`: what the doctor looks at, as a folder of files without any secret.

use std::io::Write;
use std::path::Path;

use bridge::act::Purpose;
use bridge::can::{Rbac, Viewer as _};
use bridge::doctor::Probe;
use bridge::exhibit::snapshot::{Around, NAMES, Sheet, questions, sheets};
use bridge::inventory::Inventory;
use bridge::port::Time;

use super::{connect, doctor, plan};
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
    let back = look_back(context, flags).await;
    let around = Around {
        bridge: &context.bridge,
        file: &context.text,
        team,
        now: SystemTime.now(),
        inventory: back.inventory.as_ref(),
        rbac: back.rbac.as_ref(),
    };
    let sheets = sheets(&seen, &around).map_err(|secret| Failure::failed(secret.to_string()))?;
    std::fs::create_dir_all(&flags.dir).map_err(|error| unwritable(&flags.dir, &error))?;
    for name in NAMES {
        remove(&flags.dir.join(name))?;
    }
    for sheet in &sheets {
        write(&flags.dir, sheet)?;
    }
    say(&format!("look at it with: gangplank doctor --evidence {}", flags.dir.display()));
    Ok(Exit::Fine)
}

/// What an administrator sees of the way back.
#[derive(Default)]
struct Back {
    inventory: Option<Inventory>,
    rbac: Option<Rbac>,
}

/// Looks with an administrator's eyes; without one, the way back is left out and that is said.
async fn look_back(context: &Context, flags: &Snapshot) -> Back {
    let unseen = |what: &str, why: &str| say(&format!("{what} is left out: {why}"));
    let administrator = match connect::administrator(context, &flags.administrate).await {
        Ok(administrator) => administrator,
        Err(failure) => {
            unseen("the way back", &failure.what);
            return Back::default();
        }
    };
    let purpose = Purpose::Declared { adopt: Vec::new() };
    let inventory = match plan::look(context, &purpose, &administrator).await {
        Ok(seen) => Some(seen.inventory),
        Err(failure) => {
            unseen("what the managed identities admit", &failure.what);
            None
        }
    };
    let sight = clouds::Sight { administrator: &administrator, bridge: &context.bridge };
    let rbac = match sight.rbac().await {
        Ok(rbac) => Some(rbac),
        Err(error) => {
            unseen("the cluster's roles and bindings", &error.to_string());
            None
        }
    };
    Back { inventory, rbac }
}

/// Takes a file of an earlier snapshot away: what is not seen any more must not be found there.
fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(path, &error)),
        _ => Ok(()),
    }
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
