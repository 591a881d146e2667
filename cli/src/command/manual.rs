//! `gangplank completions` and `gangplank man`: made from the same table that the arguments are read by.

use clap::CommandFactory as _;

use crate::args::{Arguments, Completions, Man};
use crate::output::{out, say};
use crate::report::{Exit, Failure};

/// Prints a completion script.
pub fn completions(flags: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Arguments::command(), "gangplank", &mut script);
    out(&String::from_utf8_lossy(&script));
    Exit::Fine
}

/// Writes one page a command into a folder.
pub fn man(flags: &Man) -> Result<Exit, Failure> {
    let shown = flags.dir.display();
    let written = std::fs::create_dir_all(&flags.dir)
        .and_then(|()| clap_mangen::generate_to(Arguments::command(), &flags.dir));
    written.map_err(|error| {
        Failure::failed(format!("cannot write the man pages to `{shown}`")).because(&error)
    })?;
    say(&format!("the pages are in `{shown}`; read one with `man {shown}/gangplank.1`"));
    Ok(Exit::Fine)
}
