//! `gangplank import`: a bridge file from what both clouds have already.

use std::io::IsTerminal as _;

use bridge::import::{self, Choice, Imported, Undecided};
use bridge::port::PortError;
use bridge::spec::Bridge;
use bridge::starter::Starter;

use super::connect;
use super::init::{self, Field};
use crate::args::{Common, Format, Import};
use crate::context::Context;
use crate::output::{print, say};
use crate::report::{self, Exit, Failure, refused_set_up};

/// What the clouds themselves tell, so that nobody is asked.
const FOUND: [&str; 3] = ["name", "project-number", "repository"];

/// What stands for the project's number until it is found.
const NO_NUMBER: &str = "10000";

/// Reads both clouds and writes the file. What the file does not say is named.
pub async fn run(common: &Common, flags: &Import) -> Result<Exit, Failure> {
    init::refuse_overwriting(common, flags.force)?;
    let fields: Vec<Field> = init::FIELDS.into_iter().filter(|field| !FOUND.contains(&field.name)).collect();
    let mut values = init::answers(&fields, &flags.places, &flags.administrate).await?;
    for (name, stand_in) in [("name", "gangplank"), ("project-number", NO_NUMBER), ("repository", "models")] {
        values.entry(name).or_insert_with(|| stand_in.to_owned());
    }
    let starter = init::starter(&flags.places, &values)?;
    let bridge = parsed(common, &starter.text())?;
    let imported = look(&Context::for_draft(common, bridge), flags, &starter).await?;
    parsed(common, &imported.text)?;
    init::write(common, flags.force, &imported.text)?;
    tell(common, &imported);
    Ok(Exit::Fine)
}

async fn look(context: &Context, flags: &Import, starter: &Starter) -> Result<Imported, Failure> {
    let bridge = &context.bridge;
    let administrator = connect::administrator(context, &flags.administrate).await?;
    let unread = |error: PortError| refused_set_up("read what is set up on both clouds", &error);
    let mut survey = administrator.survey(bridge).await.map_err(unread)?;
    if flags.places.project_number.as_ref().is_some_and(|given| *given != survey.project_number) {
        let (project, number) = (&bridge.google.project, &survey.project_number);
        return Err(Failure::usage(format!("project `{project}` has the number `{number}`"))
            .hint("leave --project-number out; it is looked up"));
    }
    let choice = Choice {
        name: flags.places.name.clone(),
        pool: flags.pool.clone(),
        provider: flags.provider.clone(),
        repository: flags.places.repository.clone(),
    };
    let trust = import::choose(&survey, &bridge.azure.tenant, &choice).map_err(|it| undecided(&it))?;
    administrator.survey_beyond(bridge, &trust, &mut survey).await.map_err(unread)?;
    let trust = trust.with_application(&survey);
    import::import(starter, &survey, &trust).map_err(|it| undecided(&it))
}

fn undecided(it: &Undecided) -> Failure {
    Failure::usage(it.to_string()).hint(format!("say which with {}; nothing was written", it.flags))
}

/// The text as a bridge. Whatever is wrong is said before anything is written.
fn parsed(common: &Common, text: &str) -> Result<Bridge, Failure> {
    let name = common.file.display().to_string();
    bridge::file::parse(&name, text).map_err(|problems| {
        report::problems(&name, text, &problems, std::io::stderr().is_terminal()).hint("nothing was written")
    })
}

fn tell(common: &Common, imported: &Imported) {
    for it in &imported.left_out {
        say(&format!("not in the file: {}: {}", it.what, it.why));
    }
    let file = common.file.display();
    say(&format!("wrote `{file}`; `gangplank plan -f {file}` says in what the clouds differ from it"));
    if common.output != Format::Human {
        print(common.output, imported);
    }
}
