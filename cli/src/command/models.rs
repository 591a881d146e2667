//! `gangplank models`: what Azure ML has.

use bridge::port::{ModelSource, ModelVersion, Refused};

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
            print(context.format, &Versions(versions(models, name).await?));
        }
    }
    Ok(Exit::Fine)
}

/// The versions of one model; that there is no such model is the user's to correct.
async fn versions(models: &impl ModelSource, name: &str) -> Result<Vec<ModelVersion>, Failure> {
    let error = match models.versions(name).await {
        Ok(versions) if !versions.is_empty() => return Ok(versions),
        Ok(_) => None,
        Err(error) if error.kind == Refused::NotFound => Some(error),
        Err(error) => return Err(refused(&format!("list the versions of `{name}`"), &error)),
    };
    let names = models.models().await.map_err(|error| refused("list the models", &error))?;
    if names.iter().any(|known| known == name) {
        return match error {
            None => Ok(Vec::new()),
            Some(error) => Err(refused(&format!("list the versions of `{name}`"), &error)),
        };
    }
    let known = if names.is_empty() { "no model at all".to_owned() } else { names.join(", ") };
    Err(Failure::usage(format!("the workspace has no model `{name}`")).hint(format!("it has: {known}")))
}
