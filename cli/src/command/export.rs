//! `gangplank export`: the bridge in the formats of other tools.

use std::path::{Path, PathBuf};

use bridge::cred_config::{CredConfig, CredConfigError, TokenSource, Wanted, command_line};

use crate::args::{Common, CredSource, Export, ExportCredConfig, ExportVerb};
use crate::context::Context;
use crate::output::print_value;
use crate::report::{Exit, Failure};

/// Writes what is wanted to stdout.
pub async fn run(context: &Context, common: &Common, flags: &Export) -> Result<Exit, Failure> {
    match &flags.verb {
        ExportVerb::CredConfig(flags) => cred_config(context, common, flags),
        ExportVerb::Terraform(flags) => super::terraform::run(context, flags).await,
    }
}

fn cred_config(context: &Context, common: &Common, flags: &ExportCredConfig) -> Result<Exit, Failure> {
    misplaced(flags)?;
    let bridge = &context.bridge;
    let team = match &flags.team {
        None => None,
        Some(name) => Some(bridge.team(name).ok_or_else(|| {
            let all: Vec<&str> = bridge.teams.iter().map(|team| team.name.as_str()).collect();
            Failure::usage(format!("the bridge file has no team `{name}`"))
                .hint(format!("--team takes one of: {}", all.join(", ")))
        })?),
    };
    let wanted = Wanted { source: source(common, flags)?, team, lifetime: flags.lifetime };
    let config = CredConfig::of(bridge, &wanted).map_err(|error| refused(&error))?;
    print_value(&config);
    Ok(Exit::Fine)
}

fn refused(error: &CredConfigError) -> Failure {
    Failure::usage("Google's client libraries would refuse this configuration").because(error)
}

/// A flag of another source is a misunderstanding, not something to pass over.
fn misplaced(flags: &ExportCredConfig) -> Result<(), Failure> {
    let given = [
        ("--token-file", "file", flags.token_file.is_some(), flags.source == CredSource::File),
        (
            "--client-id",
            "instance-metadata",
            flags.client_id.is_some(),
            flags.source == CredSource::InstanceMetadata,
        ),
        ("--output-file", "executable", flags.output_file.is_some(), flags.source == CredSource::Executable),
    ];
    match given.into_iter().find(|(_, _, is_given, fits)| *is_given && !fits) {
        None => Ok(()),
        Some((flag, source, ..)) => {
            Err(Failure::usage(format!("{flag} goes with `--source {source}` alone")))
        }
    }
}

fn source(common: &Common, flags: &ExportCredConfig) -> Result<TokenSource, Failure> {
    Ok(match flags.source {
        CredSource::File => {
            TokenSource::File { path: absolute(flags.token_file.as_deref())?.unwrap_or_default() }
        }
        CredSource::InstanceMetadata => TokenSource::InstanceMetadata { client_id: flags.client_id.clone() },
        CredSource::Executable => {
            let own = std::env::current_exe().map_err(|error| {
                Failure::failed("cannot find out where this executable is").because(&error)
            })?;
            let (own, file) = (text(own)?, absolute(Some(&common.file))?.unwrap_or_default());
            let words = [own.as_str(), "token", "google", "--file", file.as_str()];
            TokenSource::Executable {
                command: command_line(&words).map_err(|error| refused(&error))?,
                timeout: flags.timeout,
                output_file: absolute(flags.output_file.as_deref())?,
            }
        }
    })
}

fn absolute(path: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let path = std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("`{}` is no path", path.display())).because(&error))?;
    text(path).map(Some)
}

fn text(path: PathBuf) -> Result<String, Failure> {
    path.into_os_string()
        .into_string()
        .map_err(|path| Failure::usage(format!("`{}` is not UTF-8, as JSON has to be", path.display())))
}
