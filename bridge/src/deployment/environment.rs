//! What the model runs in: an image that is given by digest is taken, and so is a model's package; everything else says
//! what to give instead.

use crate::file::tree::Node;
use crate::model_ref::is_model_name;
use crate::spec::{Runtime, Tuning};

use super::format::{EnvironmentFile, InferenceFile, InlineEnvironmentFile, RouteFile};
use super::notes::Notes;

/// The port of Azure ML's inference server, where an image says no other:
/// <https://learn.microsoft.com/azure/machine-learning/how-to-inference-server-http>.
const AZURE_ML_PORT: u16 = 5001;

const REGISTERED: &str = "an environment beside a model is the base of an image that Azure ML makes; name an image by \
                          digest instead, as `environment: {image: HOST/PATH@sha256:…}` or as `runtime.image` in the \
                          bridge file";
const UNPINNED: &str =
    "names an image that can change; write it by digest, `HOST/PATH@sha256:…` (`crane digest IMAGE`)";

/// The package that the environment is, if the deployment names no model: then Azure ML has packed the model into it.
/// <https://learn.microsoft.com/azure/machine-learning/how-to-package-models>
pub(super) fn package(file: Option<&EnvironmentFile>) -> Option<Runtime> {
    let EnvironmentFile::Registered(text) = file? else { return None };
    let (environment, version) = text.strip_prefix("azureml:")?.split_once(':')?;
    let named = is_model_name(environment) && is_model_name(version);
    named.then(|| Runtime::Package { environment: environment.to_owned(), version: version.to_owned() })
}

/// The runtime that an environment beside a model asks for, if it can be had.
pub(super) fn environment(
    file: Option<&EnvironmentFile>,
    root: &Node,
    tuning: &mut Tuning,
    notes: &mut Notes<'_>,
) -> Option<Runtime> {
    match file? {
        EnvironmentFile::Registered(_) => {
            notes.left(root, "environment", REGISTERED);
            None
        }
        EnvironmentFile::Inline(file) => inline(file, root, tuning, notes),
    }
}

fn inline(
    file: &InlineEnvironmentFile,
    root: &Node,
    tuning: &mut Tuning,
    notes: &mut Notes<'_>,
) -> Option<Runtime> {
    let image = file.image.as_ref().filter(|image| crate::file::is_pinned_image(image));
    let Some(image) = image else {
        if file.image.is_some() {
            notes.left(root, "environment.image", UNPINNED);
        }
        if file.inference_config.is_some() {
            notes.left(root, "environment.inference_config", "belongs to the image, which is not taken");
        }
        return None;
    };
    let port = routes(file.inference_config.as_ref(), root, tuning, notes);
    notes.carried(root, "environment.image", format!("the runtime's image, on port {port}"));
    Some(Runtime::Image { image: image.clone(), port, signed_by: None })
}

/// Takes the probes' paths and gives the port.
fn routes(file: Option<&InferenceFile>, root: &Node, tuning: &mut Tuning, notes: &mut Notes<'_>) -> u16 {
    let Some(file) = file else { return AZURE_ML_PORT };
    let all = [&file.scoring_route, &file.liveness_route, &file.readiness_route];
    let port = all.into_iter().flatten().map(|route| route.port).next().unwrap_or(AZURE_ML_PORT);
    if file.scoring_route.is_some() {
        let field = "environment.inference_config.scoring_route.port";
        notes.carried(root, field, "the container's port".to_owned());
    }
    let mut path = |route: Option<&RouteFile>, name: &str| {
        let route = route?;
        let field = format!("environment.inference_config.{name}");
        if route.port != port {
            notes.left(root, &field, "another port than the scoring route's; the container has one");
            return None;
        }
        let path = route.path.as_deref().unwrap_or("/").to_owned();
        notes.carried(root, &field, format!("`httpGet.path: {path}`"));
        Some(path)
    };
    tuning.liveness.path = path(file.liveness_route.as_ref(), "liveness_route");
    tuning.readiness.path = path(file.readiness_route.as_ref(), "readiness_route");
    tuning.startup.path = tuning.readiness.path.clone().or_else(|| tuning.liveness.path.clone());
    port
}
