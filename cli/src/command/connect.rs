//! Connecting: the bridge file, the environment and the clock become callers, administrators and probes.

use std::path::Path;
use std::sync::Arc;

use clouds::probe::LiveProbe;
use clouds::{Administrator, Caller, Limits, Pod, Settings, WhoAmI};
use identity::source::SourceName;

use crate::args::{Administrate, Transfer};
use crate::context::Context;
use crate::edge::{self, SystemTime};
use crate::output::say;
use crate::report::{Failure, refused, refused_set_up};

/// A caller who ships for a team; asks nobody yet. The scorer's executable is needed by whoever makes images.
pub(super) fn caller(
    context: &Context,
    team: Option<&str>,
    scorer: Option<&Path>,
) -> Result<Caller, Failure> {
    carrier(context, team, scorer, Transfer::default())
}

/// A caller who moves bytes, in the time that there is.
pub(super) fn carrier(
    context: &Context,
    team: Option<&str>,
    scorer: Option<&Path>,
    transfer: Transfer,
) -> Result<Caller, Failure> {
    let settings = Settings { scorer: edge::scorer(scorer), limits: transfer.into(), ..settings(context)? };
    let caller =
        Caller::connect(&context.bridge, &settings, team).map_err(|error| refused("log in", &error))?;
    let source = caller.chain().source();
    tracing::info!(log_in = %source.kind, why = %source.why, "logging in");
    Ok(caller)
}

/// An administrator with log-ins of her own.
pub(super) async fn administrator(context: &Context, flags: &Administrate) -> Result<Administrator, Failure> {
    if let Some(path) = flags.kubeconfig.as_ref().filter(|path| !path.is_file()) {
        return Err(Failure::usage(format!("there is no kubeconfig `{}`", path.display()))
            .hint("--kubeconfig or KUBECONFIG names one file; without either, the Google log-in is used"));
    }
    let mut settings = settings(context)?;
    settings.kubeconfig.clone_from(&flags.kubeconfig);
    settings.context.clone_from(&flags.context);
    let administrator = Administrator::connect(&context.bridge, &settings).await;
    let administrator = administrator.map_err(|error| refused_set_up("log in", &error))?;
    let google = administrator.google_login();
    tracing::info!(azure = %administrator.azure_login(), google = %google.kind, file = %google.file.display(), "logged in");
    if google.is_long_lived_key() {
        say(&format!(
            "warning: `{}` holds a service account key that never expires; `gcloud auth application-default login` needs none",
            google.file.display()
        ));
    }
    Ok(administrator)
}

/// The log-in of a workload's pod, which is of one kind, or why there is none here.
pub(super) fn pod(context: &Context, log_in: SourceName) -> Result<Pod, String> {
    let settings = settings(context).map_err(|_| "the bridge file's `caBundle` cannot be used".to_owned())?;
    let settings = Settings { log_in: Some(log_in), ..settings };
    Pod::connect(&context.bridge, &settings)
}

/// Who the caller is on both sides, found out by crossing.
pub(super) async fn who(context: &Context) -> Result<WhoAmI, Failure> {
    WhoAmI::ask(&context.bridge, &settings(context)?).await.map_err(|error| refused("log in", &error))
}

/// The doctor's eyes, with whatever log-ins there are.
pub(super) fn probe(context: &Context) -> Result<LiveProbe, Failure> {
    LiveProbe::connect(&context.bridge, &settings(context)?).map_err(|error| refused("look around", &error))
}

fn settings(context: &Context) -> Result<Settings, Failure> {
    Ok(Settings {
        environment: context.environment.clone(),
        log_in: context.log_in,
        clock: Arc::new(SystemTime),
        roots: context.roots()?,
        scorer: None,
        journals: edge::caches(&context.environment).map(|caches| caches.join("images")),
        limits: Limits::default(),
        kubeconfig: None,
        context: None,
    })
}
