//! Worlds of trouble: every file of `cli/tests/worlds/` is brought into a sandbox of its own, the commands it names are
//! run, and each must end in success or in the words it names: never in a panic, never with an object of somebody
//! else's changed, and never so that `apply` could not finish the work once the trouble is over.

mod crowd;
mod foreign;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;

use crate::harbour::{Ended, Harbour, ended, output, source};
use foreign::{foreign, foreign_after_trouble, unchanged};

/// How many worlds are played at a time.
const AT_A_TIME: usize = 4;

/// What `about` of a world file says to this runner.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct About {
    /// One sentence.
    story: String,
    /// Whether the trust is set up before the trouble begins.
    #[serde(default)]
    set_up: bool,
    /// What is replaced in `bridge.yaml` before anything else: from, to.
    #[serde(default)]
    bridge: Vec<(String, String)>,
    /// Files that are put into the sandbox's folder: name, text.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// So many service principals are in the tenant and declared besides, each by its own client id, for pushing.
    #[serde(default)]
    crowd: usize,
    runs: Vec<Run>,
    /// What is replaced in `bridge.yaml` once the trouble is over.
    #[serde(default)]
    mend_bridge: Vec<(String, String)>,
    /// What is run then, after an `apply` that must succeed.
    #[serde(default)]
    afterwards: Vec<Run>,
}

/// One command, and how it must end.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Run {
    #[serde(rename = "run")]
    command: String,
    /// What a second administrator runs at the same time; its exit code must be one of the same.
    meanwhile: Option<String>,
    /// Exit codes of which one is right.
    code: Codes,
    /// What stdout and stderr together must say.
    #[serde(default)]
    says: Vec<String>,
    /// What neither may say.
    #[serde(default)]
    never: Vec<String>,
    /// Environment variables on top of the administrator's; empty ones are taken away.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Somebody whose `.env` in the sandbox's folder is sourced.
    #[serde(default, rename = "as")]
    who: Option<String>,
    /// Seconds by which the sandbox's clock is put forward before.
    #[serde(default)]
    advance: u64,
    /// What is brought in before, while the faults go on: a world file without its first two lines.
    world: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Codes {
    One(i32),
    Several(Vec<i32>),
}

/// A world file: the world itself, and perhaps a second document that ends the trouble.
struct World {
    name: String,
    about: About,
    trouble: String,
    mend: Option<String>,
}

#[test]
fn every_world_ends_in_success_or_in_the_right_words() {
    // Parts of names, joined by commas: for whoever writes one.
    let wanted = std::env::var("GANGPLANK_WORLDS").unwrap_or_default();
    let waiting: Vec<World> = files().iter().map(|path| read(path)).collect();
    let named = |world: &World| wanted.split(',').any(|part| world.name.contains(part));
    let waiting: Vec<World> = waiting.into_iter().filter(named).collect();
    assert!(!waiting.is_empty(), "no world's name contains any of `{wanted}`");
    let (waiting, failed) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| play_on(&waiting, &failed));
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} worlds went wrong\n{}", failed.len(), failed.join("\n"));
}

/// Plays worlds until none waits.
fn play_on(waiting: &Mutex<Vec<World>>, failed: &Mutex<Vec<String>>) {
    let next = || waiting.lock().unwrap().pop();
    while let Some(world) = next() {
        let played = std::panic::catch_unwind(AssertUnwindSafe(|| play(&world)));
        let played = played.unwrap_or_else(|_| Err("the test itself panicked".to_owned()));
        if let Err(why) = played {
            failed.lock().unwrap().push(format!("=== {}: {}\n{why}", world.name, world.about.story));
        }
    }
}

#[test]
fn there_are_enough_worlds() {
    assert!(files().len() >= 40, "{} worlds", files().len());
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn read(path: &Path) -> World {
    #[derive(Deserialize)]
    struct Header {
        about: About,
    }
    let text = std::fs::read_to_string(path).unwrap();
    let (trouble, mend) = match text.split_once("\n---\n") {
        Some((trouble, mend)) => (trouble.to_owned(), Some(mend.to_owned())),
        None => (text, None),
    };
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let header: Header = serde_saphyr::from_str(&trouble).unwrap_or_else(|error| panic!("{name}: {error}"));
    World { name, about: header.about, trouble, mend }
}

/// Plays one world to its end.
fn play(world: &World) -> Result<(), String> {
    let harbour = Harbour::new();
    for (from, to) in &world.about.bridge {
        harbour.edit(from, to);
    }
    for (name, text) in &world.about.files {
        std::fs::write(harbour.file(name), text).unwrap();
    }
    crowd::declare(&harbour, world.about.crowd);
    let foreign = if world.about.set_up {
        let before = foreign(&harbour);
        expect(&harbour.run(&["apply"]), &[0], "the first apply")?;
        bring_in(&harbour, &world.trouble)?;
        // What the trouble changes is not ours either, but it was there before only in part.
        foreign_after_trouble(&harbour, &before)
    } else {
        bring_in(&harbour, &world.trouble)?;
        foreign(&harbour)
    };
    for run in &world.about.runs {
        check(&harbour, run)?;
    }
    harbour.sandbox.world.faults.clear(None);
    if let Some(mend) = &world.mend {
        bring_in(&harbour, mend)?;
    }
    for (from, to) in &world.about.mend_bridge {
        harbour.edit(from, to);
    }
    unchanged(&harbour, &foreign, world.mend.is_some())?;
    expect(&harbour.run(&["apply"]), &[0], "apply once the trouble is over")?;
    expect(&harbour.run(&["plan"]), &[0], "plan once the trouble is over")?;
    for run in &world.about.afterwards {
        check(&harbour, run)?;
    }
    unchanged(&harbour, &foreign, world.mend.is_some())
}

fn bring_in(harbour: &Harbour, text: &str) -> Result<(), String> {
    harbour.runtime.block_on(harbour.sandbox.load(text)).map_err(|problems| {
        problems.iter().fold(String::new(), |mut all, problem| {
            let _ = writeln!(all, "the world does not load: {problem}");
            all
        })
    })
}

fn check(harbour: &Harbour, run: &Run) -> Result<(), String> {
    if let Some(world) = &run.world {
        let beginning = "apiVersion: gangplank.dev/v1alpha1\nkind: World\namidFaults: true\n";
        bring_in(harbour, &format!("{beginning}{world}"))?;
    }
    harbour.sandbox.world.clock.advance(Duration::from_secs(run.advance));
    if run.advance > 0 {
        harbour.sandbox.renew_tokens().map_err(|error| error.to_string())?;
    }
    let arguments: Vec<&str> = run.command.split_whitespace().collect();
    let mut command = harbour.command(&arguments);
    if let Some(who) = &run.who {
        source(&mut command, &harbour.file(&format!("{who}.env")));
    }
    for (name, value) in &run.env {
        if value.is_empty() {
            command.env_remove(name)
        } else {
            command.env(name, value)
        };
    }
    let second = run.meanwhile.as_deref().map(|line| {
        let mut second = harbour.command(&line.split_whitespace().collect::<Vec<_>>());
        (line, second.spawn().unwrap())
    });
    let ended = ended(command);
    let codes = match &run.code {
        Codes::One(code) => std::slice::from_ref(code),
        Codes::Several(codes) => codes,
    };
    if let Some((line, second)) = second {
        expect(&output(&second.wait_with_output().unwrap()), codes, line)?;
    }
    expect(&ended, codes, &run.command)?;
    let said = format!("{}{}", ended.stdout, ended.stderr);
    for part in &run.says {
        if !said.contains(part) {
            return Err(format!("`{}` does not say `{part}`\n{said}", run.command));
        }
    }
    match run.never.iter().find(|part| said.contains(*part)) {
        Some(part) => Err(format!("`{}` says `{part}`\n{said}", run.command)),
        None => Ok(()),
    }
}

fn expect(ended: &Ended, codes: &[i32], what: &str) -> Result<(), String> {
    let said = format!("stdout:\n{}\nstderr:\n{}", ended.stdout, ended.stderr);
    if said.contains("panicked at") {
        return Err(format!("`{what}` panicked\n{said}"));
    }
    if codes.contains(&ended.code) {
        return Ok(());
    }
    Err(format!("`{what}` ended with {}, expected one of {codes:?}\n{said}", ended.code))
}
