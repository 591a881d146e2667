//! `gangplank render`: the manifests that `ship` applies, as YAML.

use bridge::image::{package_repository_and_tag, repository_and_tag};
use bridge::manifest::{self, Rendering};
use bridge::port::{ImageStore, ModelVersion};
use bridge::resolve::resolve;
use bridge::spec::{Runtime, Service};

use clouds::Caller;
use serde::Serialize;
use serde_json::Value;

use super::picked::{WithDeployment, pick};
use super::ship::unresolved;
use super::{connect, way_back};
use crate::args::{Format, Render};
use crate::context::Context;
use crate::output::{out, print_value};
use crate::report::{Exit, Failure, refused};

/// Prints the objects.
pub async fn run(context: &Context, flags: &Render) -> Result<Exit, Failure> {
    if let Some(workload) = &flags.workload {
        return way_back::render(context, workload, &flags.container).await;
    }
    let picked = pick(context, flags.model.as_deref(), flags.service.as_deref(), &flags.from)?;
    let (service, team) = (picked.service.as_ref(), picked.team);
    let caller = connect::caller(context, Some(&team.name), None)?;
    let models = caller
        .models_of(&picked.model)
        .await
        .map_err(|error| refused("find the model's registry", &error))?;
    let version = resolve(&picked.model, team, &models).await.map_err(|error| {
        unresolved(Failure::failed("could not find the model version").because(&error), &error)
    })?;
    let image = match &flags.image {
        Some(image) => image.clone(),
        None => shipped(context, &caller, service, &version).await?,
    };
    let rendering = Rendering {
        bridge: &context.bridge,
        team,
        service,
        version: &version,
        image: &image,
        replicas: Some(service.scaling.min),
    };
    let objects = manifest::render(&rendering).map_err(|error| Failure::usage(error.to_string()))?;
    match context.format {
        Format::Json => match &picked.adapted {
            Some(deployment) => print_value(&WithDeployment { deployment, rest: Rendered { objects } }),
            None => print_value(&objects),
        },
        Format::Human | Format::Yaml => {
            out(&manifest::to_yaml(&objects).map_err(|error| Failure::failed(error.to_string()))?);
        }
    }
    Ok(Exit::Fine)
}

/// Objects beside the deployment that asked for them.
#[derive(Debug, Serialize)]
struct Rendered {
    objects: Vec<Value>,
}

/// The image that the registry has for a version, pinned.
async fn shipped(
    context: &Context,
    caller: &Caller,
    service: &Service,
    version: &ModelVersion,
) -> Result<String, Failure> {
    let named = match service.runtime {
        Runtime::Package { .. } => package_repository_and_tag,
        Runtime::Auto | Runtime::Onnx | Runtime::Image { .. } => repository_and_tag,
    };
    let (repository, tag) = named(&context.bridge, &service.team, &version.name, &version.version);
    let images = caller.images();
    let found = images.find(&repository, &tag).await.map_err(|error| refused("look the image up", &error))?;
    let Some(image) = found else {
        return Err(Failure::failed(format!(
            "the registry has no image of `{}:{}`",
            version.name, version.version
        ))
        .hint(
            "`gangplank ship` or `gangplank pack` pushes it; or name one with --image HOST/PATH@sha256:…",
        ));
    };
    Ok(format!("{}/{repository}@{}", images.host(), image.digest))
}
