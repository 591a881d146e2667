//! `gangplank models`: what Azure ML has.

use bridge::port::ModelSource;

use super::connect;
use crate::args::Models;
use crate::context::Context;
use crate::output::models::{Names, Versions};
use crate::output::print;
use crate::report::{Exit, Failure, refused};

/// Lists models, or the versions of one.
pub async fn run(context: &Context, flags: &Models) -> Result<Exit, Failure> {
    let caller = connect::caller(context, None, None)?;
    let models = caller.models();
    match &flags.name {
        None => {
            let names = models.models().await.map_err(|error| refused("list the models", &error))?;
            print(context.format, &Names(names));
        }
        Some(name) => {
            let versions = models.versions(name).await;
            let versions =
                versions.map_err(|error| refused(&format!("list the versions of `{name}`"), &error))?;
            print(context.format, &Versions(versions));
        }
    }
    Ok(Exit::Fine)
}
