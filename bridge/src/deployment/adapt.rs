//! From the fields of a deployment to a service, with a note about each.

use std::collections::BTreeMap;

use crate::file::format::TextOrNumber;
use crate::file::shape::Flaw;
use crate::file::tree::Node;
use crate::name::{LABEL_MAX, slug};
use crate::quantity::Quantity;
use crate::spec::{Expose, ModelRef, ProbeTuning, Resources, Runtime, Scaling, Service, Tuning};

use super::format::{
    DeploymentFile, EnvironmentFile, InlineModelFile, ModelFile, ResourcesFile, ScaleFile, ScaleKindFile,
};
use super::notes::Notes;
use super::{Target, environment, place, probe};

/// What a deployment has that says nothing: Azure ML's own defaults.
const ONE_INSTANCE: u32 = 1;
const TARGET_PERCENT: u32 = 70;
/// The image sets it, and our scorer reads it.
const MODEL_DIR: &str = "AZUREML_MODEL_DIR";
/// Begins the annotations that hold what has no other place.
pub(super) const ANNOTATION: &str = "gangplank.dev/";
const MODEL: &str = "a registered model: `azureml:NAME:VERSION`, `azureml:NAME@latest`, or its id";

/// The service that the deployment asks for. `None` goes with a flaw.
pub(super) fn service(
    file: &DeploymentFile,
    root: &Node,
    target: Target<'_>,
    notes: &mut Notes<'_>,
) -> Option<Service> {
    let (name, known) = known(file, root, target, notes)?;
    let (model, package) = match &file.model {
        Some(model) => (asked_model(model, root, notes)?, None),
        None => packed(file, known, root, notes)?,
    };
    let base = match known {
        Some(known) => known.clone(),
        None => new(name, &model, root, target, notes)?,
    };
    let mut tuning = tuning(file, root, notes);
    let asked = match package {
        Some(package) => Some(package),
        None => environment::environment(file.environment.as_ref(), root, &mut tuning, notes),
    };
    Some(Service {
        model,
        runtime: asked.unwrap_or_else(|| base.runtime.clone()),
        scaling: scaling(file, base.scaling.clone(), known.is_some(), root, notes),
        resources: resources(file.resources.as_ref(), &base.resources, root, notes),
        tuning,
        ..base
    })
}

/// The service's name, and the bridge's service of that name if it has one.
fn known<'a>(
    file: &DeploymentFile,
    root: &Node,
    target: Target<'a>,
    notes: &mut Notes<'_>,
) -> Option<(String, Option<&'a Service>)> {
    let name = slug(&file.endpoint_name, LABEL_MAX).text;
    let known = target.bridge.services.iter().find(|service| service.name == name);
    if let (Some(known), Some(team)) = (known, target.team)
        && known.team != team
    {
        let message =
            format!("endpoint `{name}` is the bridge's service of team `{}`, not of `{team}`", known.team);
        notes.wrong(root, "endpoint_name", message, "another name, or the team that has the service");
        return None;
    }
    notes.carried(root, "endpoint_name", format!("service `{name}`"));
    Some((name, known))
}

/// A service that the bridge does not have yet.
fn new(
    name: String,
    model: &ModelRef,
    root: &Node,
    target: Target<'_>,
    notes: &mut Notes<'_>,
) -> Option<Service> {
    let Some(team) = target.team else {
        let message = format!("the bridge has no service `{name}`, and no team was named for a new one");
        let expected = "`--team TEAM`, or an endpoint that the bridge file has as a service";
        notes.wrong(root, "endpoint_name", message, expected);
        return None;
    };
    Some(Service {
        name,
        team: team.to_owned(),
        model: model.clone(),
        runtime: Runtime::Auto,
        scaling: Scaling { min: ONE_INSTANCE, max: ONE_INSTANCE, cpu_percent: TARGET_PERCENT },
        expose: Expose::Cluster,
        resources: Resources { cpu: "250m".to_owned(), memory: "256Mi".to_owned() },
        sample: None,
        tuning: Tuning::default(),
    })
}

/// A deployment without a model is one of a package; which version it holds only the bridge's service says.
fn packed(
    file: &DeploymentFile,
    known: Option<&Service>,
    root: &Node,
    notes: &mut Notes<'_>,
) -> Option<(ModelRef, Option<Runtime>)> {
    let package = environment::package(file.environment.as_ref());
    if let (None, Some(EnvironmentFile::Registered(text))) = (&package, &file.environment) {
        let message = format!("`{text}` names no version of an environment");
        let expected = "`azureml:NAME:VERSION`, a package: its image is copied, so the file must say which";
        notes.wrong(root, "environment", message, expected);
        return None;
    }
    let (Some(Runtime::Package { environment, version }), Some(known)) = (&package, known) else {
        let expected = format!(
            "{MODEL}; or none, where `environment: azureml:NAME:VERSION` is a package and the bridge file has the \
             endpoint as a service"
        );
        notes.wrong(root, "model", "`model` is missing".to_owned(), &expected);
        return None;
    };
    let becomes = format!("package `{environment}:{version}`, copied as it is, for model `{}`", known.model);
    notes.carried(root, "environment", becomes);
    Some((known.model.clone(), package))
}

fn asked_model(file: &ModelFile, root: &Node, notes: &mut Notes<'_>) -> Option<ModelRef> {
    let (field, text) = match file {
        ModelFile::Registered(text) => ("model", text.clone()),
        ModelFile::Inline(InlineModelFile { name: Some(name), version: Some(TextOrNumber(version)) }) => {
            notes.carried(root, "model.version", format!("version `{version}`"));
            ("model.name", format!("azureml:{name}:{version}"))
        }
        ModelFile::Inline(_) => {
            let message = "a model given in place is in no registry to carry it from".to_owned();
            notes.wrong(root, "model", message, MODEL);
            return None;
        }
    };
    if let Some(model) = reference(&text) {
        notes.carried(root, field, format!("model `{model}`"));
        return Some(model);
    }
    notes.wrong(root, field, format!("`{text}` names no registered model version"), MODEL);
    None
}

/// Reads a reference as Azure ML takes it: with its scheme, and with a version.
fn reference(text: &str) -> Option<ModelRef> {
    let short = text.strip_prefix("azureml:").filter(|rest| !rest.starts_with('/'));
    match short {
        Some(short) => short.contains([':', '@']).then(|| ModelRef::parse(text).ok()).flatten(),
        // `azureml:` may stand before the id of a resource as well.
        None if text.starts_with("azureml:/subscriptions/") => {
            ModelRef::parse(text.trim_start_matches("azureml:")).ok()
        }
        None if text.starts_with("azureml://") || text.starts_with("/subscriptions/") => {
            ModelRef::parse(text).ok()
        }
        None => None,
    }
}

/// `keep`: whether `base` is what the bridge file says, and stays where the deployment is silent.
fn scaling(file: &DeploymentFile, base: Scaling, keep: bool, root: &Node, notes: &mut Notes<'_>) -> Scaling {
    if keep && file.instance_count.is_none() && file.scale_settings.is_none() {
        return base;
    }
    let count = file.instance_count.unwrap_or(ONE_INSTANCE);
    let fixed = Scaling { min: count, max: count, cpu_percent: TARGET_PERCENT };
    let by_use = file.scale_settings.as_ref().filter(|it| it.kind == ScaleKindFile::TargetUtilization);
    if file.scale_settings.is_some() {
        notes.carried(root, "scale_settings.type", "how pods are counted".to_owned());
    }
    let Some(settings) = by_use else {
        for name in ["min_instances", "max_instances", "target_utilization_percentage"] {
            let field = format!("scale_settings.{name}");
            if place::is_written(root, &field) {
                notes.left(root, &field, "counts only with `type: target_utilization`");
            }
        }
        if file.instance_count.is_some() {
            notes.carried(root, "instance_count", format!("{count} pods, always"));
        }
        return fixed;
    };
    if file.instance_count.is_some() {
        notes.left(root, "instance_count", "`scale_settings` says how many there are");
    }
    ranged(settings, count, root, notes)
}

fn ranged(settings: &ScaleFile, count: u32, root: &Node, notes: &mut Notes<'_>) -> Scaling {
    let min = settings.min_instances.unwrap_or(ONE_INSTANCE);
    let max = settings.max_instances.unwrap_or_else(|| count.max(min));
    let cpu_percent = settings.target_utilization_percentage.unwrap_or(TARGET_PERCENT);
    if min > max {
        let message = format!("`min_instances` is {min} and `max_instances` is {max}");
        notes.wrong(root, "scale_settings.min_instances", message, "at most as many as `max_instances`");
    }
    for (name, written, becomes) in [
        ("min_instances", settings.min_instances, format!("at least {min} pods")),
        ("max_instances", settings.max_instances, format!("at most {max} pods")),
        (
            "target_utilization_percentage",
            settings.target_utilization_percentage,
            format!("{cpu_percent} % of the CPU request, on average"),
        ),
    ] {
        if written.is_some() {
            notes.carried(root, &format!("scale_settings.{name}"), becomes);
        }
    }
    Scaling { min, max, cpu_percent }
}

fn resources(
    file: Option<&ResourcesFile>,
    base: &Resources,
    root: &Node,
    notes: &mut Notes<'_>,
) -> Resources {
    let mut found = base.clone();
    let Some(file) = file else { return found };
    let (requests, limits) = (file.requests.as_ref(), file.limits.as_ref());
    if let Some(TextOrNumber(cpu)) = requests.and_then(|it| it.cpu.as_ref()) {
        found.cpu = quantity(cpu, "resources.requests.cpu", "CPU request", root, notes);
    }
    if let Some(TextOrNumber(memory)) = requests.and_then(|it| it.memory.as_ref()) {
        found.memory = quantity(memory, "resources.requests.memory", "memory request and limit", root, notes);
    }
    if let Some(TextOrNumber(memory)) = limits.and_then(|it| it.memory.as_ref()) {
        if requests.is_some_and(|it| it.memory.is_some()) {
            notes.left_requests(root);
        }
        found.memory = quantity(memory, "resources.limits.memory", "memory request and limit", root, notes);
    }
    found
}

fn quantity(text: &str, field: &str, what: &str, root: &Node, notes: &mut Notes<'_>) -> String {
    if Quantity::parse(text).is_some_and(Quantity::is_positive) {
        notes.carried(root, field, format!("{what} `{text}`"));
    } else {
        let expected = "a Kubernetes quantity, as in `500m` or `2Gi`";
        notes.wrong(root, field, format!("`{text}` is no quantity"), expected);
    }
    text.to_owned()
}

fn tuning(file: &DeploymentFile, root: &Node, notes: &mut Notes<'_>) -> Tuning {
    notes.carried(root, "name", format!("the annotation `{ANNOTATION}deployment`"));
    let mut annotations = BTreeMap::from([(format!("{ANNOTATION}deployment"), file.name.clone())]);
    if let Some(description) = &file.description {
        notes.carried(root, "description", format!("the annotation `{ANNOTATION}description`"));
        annotations.insert(format!("{ANNOTATION}description"), description.clone());
    }
    if !file.tags.is_empty() {
        let tags: serde_json::Map<String, serde_json::Value> =
            file.tags.iter().map(|(name, value)| (name.clone(), value.0.clone().into())).collect();
        notes.carried(root, "tags", format!("the annotation `{ANNOTATION}tags`, as JSON"));
        annotations.insert(format!("{ANNOTATION}tags"), serde_json::Value::Object(tags).to_string());
    }
    Tuning {
        env: variables(file, root, notes),
        annotations,
        liveness: probe::probe(file.liveness_probe.as_ref(), "liveness_probe", false, root, notes),
        readiness: probe::probe(file.readiness_probe.as_ref(), "readiness_probe", true, root, notes),
        startup: ProbeTuning::default(),
    }
}

fn variables(file: &DeploymentFile, root: &Node, notes: &mut Notes<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (name, value) in &file.environment_variables {
        let field = format!("environment_variables.{name}");
        if name == MODEL_DIR {
            notes.left(root, &field, "the image sets it, to where the model lies");
        } else if is_variable_name(name) {
            notes.carried(root, &field, "a variable of the container".to_owned());
            env.insert(name.clone(), value.0.clone());
        } else {
            let message = format!("`{name}` is no name of an environment variable");
            let expected = "letters, digits, `_`, `-` and `.`, no digit first";
            let span = place::key(root, &field);
            notes.flaws.push(Flaw::new(span, message).expected(expected));
        }
    }
    env
}

/// <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#environment-variables>.
fn is_variable_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    !name.is_empty() && name.bytes().all(legal) && !name.starts_with(|first: char| first.is_ascii_digit())
}
