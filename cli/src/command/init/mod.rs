//! `gangplank init`: a first bridge file, from what can be detected and what somebody answers.

mod ask;
mod detect;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal as _, Write as _};

use bridge::spec::AzureCloud;
use bridge::starter::{FirstTeam, Starter, endpoints_of};
use identity::Environment;

use crate::args::{Administrate, Common, Init, Places, SetUp};
use crate::context::{Context, unreadable};
use crate::edge;
use crate::output::say;
use crate::report::{self, Exit, Failure};

/// Something that has to be known.
pub(super) struct Field {
    /// Its name: the flag without `--`.
    pub(super) name: &'static str,
    /// What it is, for people.
    what: &'static str,
    /// What it is where nobody says otherwise.
    default: Option<&'static str>,
}

/// Values by the name of their field.
pub(super) type Values = BTreeMap<&'static str, String>;

/// Everything that has to be known.
pub(super) const FIELDS: [Field; 11] = [
    Field { name: "name", what: "name of the bridge, a DNS label", default: Some("gangplank") },
    Field { name: "cloud", what: "which Azure: public, usGovernment or china", default: Some("public") },
    Field { name: "tenant", what: "Entra tenant, a GUID", default: None },
    Field { name: "subscription", what: "Azure subscription, a GUID", default: None },
    Field { name: "resource-group", what: "resource group of the Azure ML workspace", default: None },
    Field { name: "workspace", what: "Azure ML workspace", default: None },
    Field { name: "project", what: "Google project id", default: None },
    Field { name: "project-number", what: "Google project number", default: None },
    Field { name: "location", what: "region or zone of the GKE cluster", default: None },
    Field { name: "cluster", what: "GKE cluster", default: None },
    Field {
        name: "repository",
        what: "Artifact Registry repository, made if need be",
        default: Some("models"),
    },
];

/// Writes the file and looks at both clouds with it.
pub async fn run(common: &Common, flags: &Init) -> Result<Exit, Failure> {
    refuse_overwriting(common, flags.force)?;
    let values = answers(&FIELDS, &flags.places, &flags.administrate).await?;
    let team = flags.team.as_ref().map(|name| FirstTeam {
        name: name.clone(),
        models: flags.models.clone(),
        service_principal: flags.service_principal.as_ref().map(|id| id.to_ascii_lowercase()),
    });
    let text = Starter { team, ..starter(&flags.places, &values)? }.text();
    let name = common.file.display().to_string();
    // Whatever is wrong is said before anything is written.
    bridge::file::parse(&name, &text).map_err(|problems| {
        report::problems(&name, &text, &problems, std::io::stderr().is_terminal()).hint("nothing was written")
    })?;
    write(common, flags.force, &text)?;
    say(&format!("wrote `{name}`"));
    if flags.no_plan {
        return Ok(Exit::Fine);
    }
    say("looking at both clouds, as `gangplank plan` does");
    let set_up = SetUp { administrate: flags.administrate.clone(), adopt: Vec::new() };
    match super::plan::run(&Context::load(common)?, &set_up).await? {
        Exit::Drift => {
            say(
                "`gangplank apply` makes these changes; read the file and add teams, identities and services first",
            );
            Ok(Exit::Fine)
        }
        other => Ok(other),
    }
}

/// What is known about the places: given, detected, or asked for on a terminal.
pub(super) async fn answers(
    fields: &[Field],
    places: &Places,
    administrate: &Administrate,
) -> Result<Values, Failure> {
    let environment = Environment::from_pairs(edge::environment());
    let given = given(places);
    let detected = detect::all(&environment, &given, administrate.kubeconfig.as_deref()).await;
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if terminal { ask::all(fields, &given, &detected) } else { without_asking(fields, given, &detected) }
}

fn given(flags: &Places) -> Values {
    let given = [
        ("name", &flags.name),
        ("cloud", &flags.cloud),
        ("tenant", &flags.tenant),
        ("subscription", &flags.subscription),
        ("resource-group", &flags.resource_group),
        ("workspace", &flags.workspace),
        ("project", &flags.project),
        ("project-number", &flags.project_number),
        ("location", &flags.location),
        ("cluster", &flags.cluster),
        ("repository", &flags.repository),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

/// Flags, then what was detected, then defaults; everything that is still missing is named at once.
fn without_asking(fields: &[Field], given: Values, detected: &detect::Detected) -> Result<Values, Failure> {
    let mut values = given;
    let mut missing = Vec::new();
    for field in fields {
        if values.contains_key(field.name) {
            continue;
        }
        match detected.get(field.name) {
            Some((value, from)) => {
                say(&format!("{}: `{value}`, from {from}", field.what));
                values.insert(field.name, value.clone());
            }
            None => match field.default {
                Some(default) => drop(values.insert(field.name, default.to_owned())),
                None => missing.push(format!("--{} ({})", field.name, field.what)),
            },
        }
    }
    if missing.is_empty() {
        return Ok(values);
    }
    let failure = Failure::usage("there is no terminal to ask on, and these answers are missing");
    Err(Failure { causes: missing, ..failure }.hint("give them as flags, or run this on a terminal"))
}

/// The places as the beginning of a file.
pub(super) fn starter(flags: &Places, values: &Values) -> Result<Starter, Failure> {
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    let cloud = match value("cloud").as_str() {
        "public" => AzureCloud::Public,
        "usGovernment" => AzureCloud::UsGovernment,
        "china" => AzureCloud::China,
        other => {
            return Err(Failure::usage(format!("there is no Azure `{other}`"))
                .hint("--cloud takes one of: public, usGovernment, china"));
        }
    };
    let endpoints = match &flags.endpoints_from {
        None => None,
        Some(path) => {
            let text = edge::read(path).map_err(|error| unreadable(&error))?;
            endpoints_of(&String::from_utf8_lossy(&text))
        }
    };
    Ok(Starter {
        name: value("name"),
        cloud,
        tenant: value("tenant").to_ascii_lowercase(),
        subscription: value("subscription").to_ascii_lowercase(),
        resource_group: value("resource-group"),
        workspace: value("workspace"),
        project: value("project"),
        project_number: value("project-number"),
        location: value("location"),
        cluster: value("cluster"),
        repository: value("repository"),
        pool: "gangplank".to_owned(),
        provider: "entra".to_owned(),
        application: None,
        datastores: Vec::new(),
        team: None,
        endpoints,
    })
}

/// A file that is there stays, unless it is said otherwise.
pub(super) fn refuse_overwriting(common: &Common, force: bool) -> Result<(), Failure> {
    if force || std::fs::symlink_metadata(&common.file).is_err() {
        return Ok(());
    }
    Err(exists(common))
}

fn exists(common: &Common) -> Failure {
    Failure::usage(format!("`{}` exists", common.file.display()))
        .hint("name another file with -f FILE, or overwrite it with --force")
}

/// Writes the file; without `--force`, only where there is none, even if one has come meanwhile.
pub(super) fn write(common: &Common, force: bool, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(&common.file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(common),
        _ => Failure::failed(format!("cannot write `{}`", common.file.display())).because(&error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let detected = [("project", ("harbour".to_owned(), "gcloud".to_owned()))].into();
        let given = Values::from([("tenant", "t".to_owned())]);
        let missing = without_asking(&FIELDS, given, &detected).unwrap_err();
        assert_eq!(missing.exit, Exit::Usage);
        let text = missing.text();
        for flag in [
            "--subscription",
            "--resource-group",
            "--workspace",
            "--project-number",
            "--location",
            "--cluster",
        ] {
            assert!(text.contains(flag), "{flag} is not in {text}");
        }
        for flag in ["--tenant", "--project (", "--repository", "--name"] {
            assert!(!text.contains(flag), "{flag} is in {text}");
        }
    }
}
