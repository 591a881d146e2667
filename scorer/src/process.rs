//! The process around the server: settings from the environment, loading, signals, the exit code, and the few lines it says.

use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::locate::locate;
use crate::model::Model;
use crate::server::{router, serve};

const LISTEN: &str = "0.0.0.0:5001";

const HELP: &str = "\
gangplank-scorer: serves one ONNX model as an Azure ML online endpoint does

It takes no arguments. Environment:
  AZUREML_MODEL_DIR   folder with the model; the one *.onnx below it is served, labels.json beside it names the classes
  AZUREML_MODEL_FILE  which *.onnx, relative to that folder, if there are several
  GANGPLANK_LISTEN    ADDRESS:PORT to listen on (default 0.0.0.0:5001)
";

/// Whatever goes wrong ends the process with one line.
type Failure = Box<dyn Error + Send + Sync>;

/// Looks a variable up.
type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What the environment asks for.
struct Settings {
    folder: PathBuf,
    picked: Option<PathBuf>,
    listen: SocketAddr,
}

/// Runs the server until it is told to stop; what it returns is the process's exit code.
pub fn run(argument: Option<&OsString>, environment: Environment<'_>) -> ExitCode {
    if let Some(argument) = argument {
        return argued(argument);
    }
    match settings(environment).and_then(serve_until_stopped) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("gangplank-scorer: {}", with_causes(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn argued(argument: &OsString) -> ExitCode {
    let text = match argument.to_str() {
        Some("--help" | "-h") => HELP.to_owned(),
        Some("--version" | "-V") => format!("gangplank-scorer {}\n", env!("CARGO_PKG_VERSION")),
        Some(_) | None => {
            say("gangplank-scorer: takes no arguments; see --help for the environment it reads");
            return ExitCode::from(2);
        }
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn settings(environment: Environment<'_>) -> Result<Settings, Failure> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let folder = set("AZUREML_MODEL_DIR")
        .ok_or("AZUREML_MODEL_DIR is not set, expected the folder that holds the model")?;
    let listen = set("GANGPLANK_LISTEN").unwrap_or_else(|| LISTEN.into());
    let listen = listen.to_string_lossy();
    let listen = listen
        .parse()
        .map_err(|_| format!("GANGPLANK_LISTEN is `{listen}`, expected ADDRESS:PORT, as {LISTEN}"))?;
    Ok(Settings { folder: folder.into(), picked: set("AZUREML_MODEL_FILE").map(PathBuf::from), listen })
}

fn serve_until_stopped(settings: Settings) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(cores.min(4)).enable_all().build()?;
    runtime.block_on(async move {
        // Listened for from here on, so that a stop during a long load is obeyed and not fatal.
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let mut stop = Box::pin(stop);
        let loading = tokio::task::spawn_blocking(move || load(&settings));
        let (model, listen) = tokio::select! {
            loaded = loading => loaded.map_err(|_| "the model cannot be loaded: the engine gave up on it")??,
            () = &mut stop => return Ok(()),
        };
        let listener =
            TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;
        say(&format!("listening on {}", listener.local_addr()?));
        serve(listener, router(model, cores), stop).await?;
        say("stopped");
        Ok(())
    })
}

fn load(settings: &Settings) -> Result<(Model, SocketAddr), Failure> {
    let located = locate(&settings.folder, settings.picked.as_deref())?;
    let model = Model::load(&located)?;
    say(&format!("loaded {}: {}", located.model.display(), model.signature));
    Ok((model, settings.listen))
}

/// One line of talk; nobody may be listening.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
