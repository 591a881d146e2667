//! What every command starts from: the flags, the bridge file, the environment.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use bridge::spec::{Bridge, Service, Team};
use identity::Environment;
use identity::http::Roots;
use identity::source::SourceName;

use crate::args::{Common, Format};
use crate::edge;
use crate::report::{self, Failure};

/// What every command starts from.
pub struct Context {
    /// The declared bridge.
    pub bridge: Bridge,
    /// The text of the bridge file; empty if it is none yet.
    pub text: String,
    /// The folder of the bridge file; paths in it are relative to here.
    pub folder: PathBuf,
    /// The environment.
    pub environment: Environment,
    /// The log-in to Entra that was asked for by name.
    pub log_in: Option<SourceName>,
    /// How to print.
    pub format: Format,
}

impl Context {
    /// Loads the bridge file and the process environment.
    pub fn load(common: &Common) -> Result<Self, Failure> {
        Self::with_environment(common, edge::environment())
    }

    /// Loads the bridge file, with an environment of one's own.
    pub fn with_environment(common: &Common, environment: Vec<(String, String)>) -> Result<Self, Failure> {
        let file = bridge_file(common);
        let name = file.display().to_string();
        let bytes = edge::read(&file).map_err(|error| {
            unreadable(&error)
                .hint("name the bridge file with -f FILE; `gangplank sandbox` writes one to try")
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Failure::usage(format!("`{name}` is not text: byte {at} is not UTF-8"))
                .hint("save the file as UTF-8")
        })?;
        let colour = std::io::stderr().is_terminal();
        let bridge = bridge::file::parse(&name, &text)
            .map_err(|problems| report::problems(&name, &text, &problems, colour))?;
        let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let environment = Environment::from_pairs(environment);
        let (log_in, format) = (common.log_in, common.output);
        Ok(Self { bridge, text, folder: folder.to_owned(), environment, log_in, format })
    }

    /// A bridge that is no file yet, to be written where `common` says.
    pub fn for_draft(common: &Common, bridge: Bridge) -> Self {
        let folder = common.file.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self {
            bridge,
            text: String::new(),
            folder: folder.unwrap_or(Path::new(".")).to_owned(),
            environment: Environment::from_pairs(edge::environment()),
            log_in: common.log_in,
            format: common.output,
        }
    }

    /// The certificate authorities to trust: the system's, and those that the bridge file names.
    pub fn roots(&self) -> Result<Roots, Failure> {
        let hint = "`endpoints.caBundle` in the bridge file names it; the path is relative to that file";
        let bundle = self.bridge.endpoints.ca_bundle.as_ref().map(|path| self.folder.join(path));
        let pem = bundle.as_ref().map(|path| edge::read(path)).transpose();
        let pem = pem.map_err(|error| unreadable(&error).hint(hint))?;
        Roots::new(pem.as_deref()).map_err(|problem| match bundle {
            Some(path) => {
                Failure::usage(format!("cannot use `{}`", path.display())).because(&problem).hint(hint)
            }
            None => Failure::failed("cannot set up TLS").because(&problem).hint(
                "install the system's certificate authorities (`ca-certificates`), or name a file of them in `endpoints.caBundle`",
            ),
        })
    }

    /// The service that serves a model, and its team.
    pub fn service(&self, model: &str, named: Option<&str>) -> Result<(&Service, &Team), Failure> {
        let serving: Vec<&Service> = self
            .bridge
            .services
            .iter()
            .filter(|service| service.model.name == model && named.is_none_or(|name| service.name == name))
            .collect();
        let service = match serving.as_slice() {
            [service] => *service,
            [] => return Err(self.no_service(model, named)),
            several => {
                let candidates: Vec<&str> = several.iter().map(|service| service.name.as_str()).collect();
                return Err(Failure::usage(format!(
                    "several services serve model `{model}`: {}",
                    candidates.join(", ")
                ))
                .hint("say which with --service NAME"));
            }
        };
        let team = self.bridge.teams.iter().find(|team| team.name == service.team);
        let team = team.ok_or_else(|| Failure::usage(format!("service `{}` has no team", service.name)))?;
        Ok((service, team))
    }

    fn no_service(&self, model: &str, named: Option<&str>) -> Failure {
        let known: Vec<String> = self
            .bridge
            .services
            .iter()
            .map(|service| format!("{} (service {})", service.model.name, service.name))
            .collect();
        let which = named.map(|name| format!(" named `{name}`")).unwrap_or_default();
        Failure::usage(format!("no service{which} in the bridge file serves model `{model}`"))
            .hint(format!("add one under `services:`; there is: {}", known.join(", ")))
    }
}

/// The bridge file that is meant; an empty `GANGPLANK_FILE` is as good as none.
pub(crate) fn bridge_file(common: &Common) -> PathBuf {
    if common.file.as_os_str().is_empty() { PathBuf::from("bridge.yaml") } else { common.file.clone() }
}

/// A file that cannot be read.
pub fn unreadable(error: &edge::Unreadable) -> Failure {
    Failure::usage(error.to_string()).because(&error.source)
}
