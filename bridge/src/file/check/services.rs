//! The models being served.

use std::collections::BTreeMap;

use super::identities::known_team;
use super::teams::quantity;
use super::{Judge, Place, syntax};
use crate::file::format::{
    ExposeFile, OurRuntimeFile, ResourcesFile, RuntimeFile, ScalingFile, ServiceFile, TextOrNumber,
};
use crate::file::shape::Flaw;
use crate::model_ref::is_model_name;
use crate::name::{LABEL_MAX, slug};
use crate::spec::{
    Expose, ModelHome, ModelRef, Resources, Runtime, Scaling, Service, Team, Tuning, VersionRef,
};

/// Pods, unless the file says otherwise.
const DEFAULT_SCALING: Scaling = Scaling { min: 1, max: 3, cpu_percent: 70 };

pub(super) fn services(
    judge: &mut Judge<'_>,
    place: &Place,
    files: &[ServiceFile],
    teams: &[Team],
) -> Vec<Service> {
    let mut services = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let place = place.item(index);
        let service = service(judge, &place, file);
        known_team(judge, &place.key("team"), &file.team, teams);
        services.extend(service.map(|service| (place, service)));
    }
    let names =
        files.iter().enumerate().map(|(index, file)| (place.item(index).key("name"), file.name.as_str()));
    judge.unique("service", names);
    for (place, service) in &services {
        covered(judge, place, service, teams);
    }
    collisions(judge, &services);
    services.into_iter().map(|(_, service)| service).collect()
}

fn service(judge: &mut Judge<'_>, place: &Place, file: &ServiceFile) -> Option<Service> {
    let name = judge.text(&place.key("name"), &file.name, &syntax::SERVICE_NAME);
    if name.starts_with("gangplank-") {
        let flaw = Flaw::new(judge.span(&place.key("name")), format!("service name `{name}` is reserved"))
            .expected("a name that does not begin with `gangplank-`");
        judge.flaw(flaw);
    }
    let model = model(judge, &place.key("model"), &file.model);
    let runtime = runtime(judge, &place.key("runtime"), &file.runtime);
    let scaling = scaling(judge, &place.key("scaling"), &file.scaling);
    let resources = resources(judge, &place.key("resources"), &file.resources);
    let sample = file.sample.as_ref().map(|path| judge.text(&place.key("sample"), path, &syntax::PATH));
    let expose = match file.expose {
        ExposeFile::Cluster => Expose::Cluster,
        ExposeFile::Internal => Expose::Internal,
        ExposeFile::Public => Expose::Public,
    };
    let team = file.team.clone();
    Some(Service {
        name,
        team,
        model: model?,
        runtime,
        scaling,
        expose,
        resources,
        sample,
        tuning: Tuning::default(),
    })
}

fn model(judge: &mut Judge<'_>, place: &Place, text: &str) -> Option<ModelRef> {
    match ModelRef::parse(text) {
        Ok(model) => Some(model),
        Err(error) => {
            let error = error.to_string();
            let (message, expected) =
                error.split_once(": expected ").unwrap_or((&error, "a model reference"));
            let flaw = Flaw::new(judge.span(place), message.to_owned()).expected(expected);
            judge.flaw(flaw);
            None
        }
    }
}

fn runtime(judge: &mut Judge<'_>, place: &Place, file: &RuntimeFile) -> Runtime {
    match file {
        RuntimeFile::Ours(OurRuntimeFile::Auto) => Runtime::Auto,
        RuntimeFile::Ours(OurRuntimeFile::Onnx) => Runtime::Onnx,
        RuntimeFile::Image(file) => {
            let key = place.key("signedBy");
            let signed_by = file.signed_by.as_ref().map(|path| judge.text(&key, path, &syntax::PATH));
            let place = place.key("image");
            if !(syntax::PINNED_IMAGE.holds)(&file.image) {
                let help = (!file.image.contains("@sha256:")).then(|| {
                    "a tag may name another image tomorrow; `crane digest IMAGE` tells today's digest"
                        .to_owned()
                });
                let rule = &syntax::PINNED_IMAGE;
                let flaw = Flaw::new(judge.span(&place), format!("`{}` is no {}", file.image, rule.what))
                    .expected(rule.expected)
                    .help(help);
                judge.flaw(flaw);
            }
            Runtime::Image { image: file.image.clone(), port: file.port, signed_by }
        }
        RuntimeFile::Package(file) => {
            let named = file.environment.split_once(':');
            let (name, version) = named
                .filter(|(name, version)| is_model_name(name) && is_model_name(version))
                .unwrap_or_else(|| {
                    let flaw = Flaw::new(
                        judge.span(&place.key("environment")),
                        format!("`{}` names no environment", file.environment),
                    )
                    .expected("`NAME:VERSION`, as Azure ML has it");
                    judge.flaw(flaw);
                    ("", "")
                });
            Runtime::Package { environment: name.to_owned(), version: version.to_owned() }
        }
    }
}

fn scaling(judge: &mut Judge<'_>, place: &Place, file: &ScalingFile) -> Scaling {
    // Whoever gives one bound has the default of the other give way.
    let min =
        file.min.unwrap_or_else(|| file.max.map_or(DEFAULT_SCALING.min, |max| max.min(DEFAULT_SCALING.min)));
    let max = file.max.unwrap_or_else(|| DEFAULT_SCALING.max.max(min));
    if min > max {
        let flaw = Flaw::new(
            judge.span(&place.key("min")),
            format!("`min` is {min}, more than `max`, which is {max}"),
        )
        .expected("`min` up to `max`")
        .related(judge.span(&place.key("max")), "`max`");
        judge.flaw(flaw);
    }
    Scaling { min, max, cpu_percent: file.cpu_percent.unwrap_or(DEFAULT_SCALING.cpu_percent) }
}

fn resources(judge: &mut Judge<'_>, place: &Place, file: &ResourcesFile) -> Resources {
    let mut amount = |key: &str, value: &Option<TextOrNumber>, default: &str| match value {
        Some(value) => quantity(judge, &place.key(key), value),
        None => default.to_owned(),
    };
    Resources { cpu: amount("cpu", &file.cpu, "250m"), memory: amount("memory", &file.memory, "256Mi") }
}

/// A team serves what its patterns say, and nothing else.
fn covered(judge: &mut Judge<'_>, place: &Place, service: &Service, teams: &[Team]) {
    let Some(team) = teams.iter().find(|team| team.name == service.team) else { return };
    let model = &service.model.name;
    if team.may_serve(model) {
        return;
    }
    let expected = match team.models.as_slice() {
        [] => format!("a model that team `{}` may serve; it has no `models`", team.name),
        patterns => format!("a name that matches `{}`", patterns.join("`, `")),
    };
    let owner = teams.iter().find(|team| team.may_serve(model));
    let flaw = Flaw::new(
        judge.span(&place.key("model")),
        format!("team `{}` may not serve model `{model}`", team.name),
    )
    .expected(expected)
    .help(owner.map(|owner| format!("team `{}` may", owner.name)));
    judge.flaw(flaw);
}

/// Two models, or two versions of one, that would be one image.
fn collisions(judge: &mut Judge<'_>, services: &[(Place, Service)]) {
    let mut images: BTreeMap<String, (String, &Place)> = BTreeMap::new();
    for (place, service) in services {
        let ModelRef { home, name, version } = &service.model;
        let mut keys = vec![(slug(name, LABEL_MAX).text, name.clone())];
        if let VersionRef::Exact(version) = version {
            keys.push((
                format!("{}:{}", slug(name, LABEL_MAX), slug(version, LABEL_MAX)),
                match home {
                    ModelHome::Registry(registry) => format!("{registry}/{name}:{version}"),
                    _ => format!("{name}:{version}"),
                },
            ));
        }
        for (image, original) in keys {
            match images.get(&image) {
                Some((first, first_place)) if *first != original => {
                    let message = format!("`{original}` and `{first}` would both be image `{image}`");
                    let flaw = Flaw::new(judge.span(&place.key("model")), message)
                        .expected("names that differ in more than capitals and separators")
                        .related(judge.span(&first_place.key("model")), "the other model");
                    judge.flaw(flaw);
                }
                Some(_) => {}
                None => drop(images.insert(image, (original, place))),
            }
        }
    }
}
