//! `gangplank token install`: the names that other tools call, as links to this executable.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::names::{NAMES, RECORD};
use crate::args::TokenInstall;
use crate::edge;
use crate::output::say;
use crate::report::{Exit, Failure};

/// Makes the links, records the bridge file beside them, and says what to write where.
pub(super) fn run(flags: &TokenInstall, named: Option<PathBuf>) -> Result<Exit, Failure> {
    let failed = |what: String| move |error: std::io::Error| Failure::failed(what).because(&error);
    let own =
        std::env::current_exe().map_err(failed("cannot find out where this executable is".to_owned()))?;
    let folder = &flags.dir;
    std::fs::create_dir_all(folder)
        .map_err(failed(format!("cannot make the folder `{}`", folder.display())))?;
    let file = named.map(|file| {
        std::fs::canonicalize(&file).map_err(|error| {
            Failure::usage(format!("cannot find the bridge file `{}`", file.display())).because(&error)
        })
    });
    let file = file.transpose()?;
    for (name, _) in NAMES {
        link(&own, &folder.join(name))?;
    }
    if let Some(file) = &file {
        let record = folder.join(RECORD);
        let text = format!("{}\n", file.display());
        edge::write_private(&record, |to| to.write_all(text.as_bytes()))
            .map_err(failed(format!("cannot write `{}`", record.display())))?;
    }
    say(&instructions(folder, file.as_deref()));
    Ok(Exit::Fine)
}

/// A link of ours is renewed; anything else of that name is somebody's and stays.
fn link(own: &Path, name: &Path) -> Result<(), Failure> {
    match std::fs::symlink_metadata(name) {
        Ok(found) if !found.is_symlink() => {
            return Err(Failure::usage(format!("`{}` exists and is no link", name.display()))
                .hint("name another folder, or remove it"));
        }
        Ok(_) => std::fs::remove_file(name),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
    .and_then(|()| std::os::unix::fs::symlink(own, name))
    .map_err(|error| Failure::failed(format!("cannot make the link `{}`", name.display())).because(&error))
}

fn instructions(folder: &Path, file: Option<&Path>) -> String {
    let shown = folder.display();
    let bridge = file.map_or_else(
        || {
            "no bridge file was named (-f FILE): the tools need GANGPLANK_FILE in their environment"
                .to_owned()
        },
        |file| format!("the bridge file is `{}`, unless GANGPLANK_FILE says otherwise", file.display()),
    );
    let helpers = json!({ "credHelpers": {
        "REGION-docker.pkg.dev": "gangplank",
        "NAME.azurecr.io": "gangplank",
    } });
    format!(
        "installed in `{shown}`, which must be on PATH; {bridge}\n\
         kubectl, in the kubeconfig:\n  \
           users:\n  \
           - name: gangplank\n    \
             user:\n      \
               exec:\n        \
                 apiVersion: client.authentication.k8s.io/v1\n        \
                 command: kubectl-gangplank_token\n        \
                 args: [--team, TEAM]\n        \
                 interactiveMode: Never\n\
         docker and its kin, in ~/.docker/config.json:\n  {helpers}\n\
         Google's client libraries: `gangplank export cred-config --source executable`"
    )
}
