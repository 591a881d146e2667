//! From a container's specification and its image to what is run: program, arguments, environment, working folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::State;
use super::super::json::{entries, list, number, text, truth};
use super::super::kinds::CONFIG_MAP;
use super::super::store::Key;
use super::files::Files;
use super::process::Launch;
use super::pull::RunConfig;

/// A container that cannot be run: the reason and the message of its waiting state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotRunnable {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// What a launch is made of.
pub(super) struct Parts<'a> {
    pub(super) state: &'a State,
    pub(super) pod: &'a Value,
    pub(super) container: &'a Value,
    pub(super) image: &'a RunConfig,
    pub(super) files: &'a Files,
    pub(super) log: PathBuf,
}

type Variables = Vec<(String, String)>;

/// Puts a launch together.
pub(super) fn launch(parts: &Parts<'_>) -> Result<Launch, NotRunnable> {
    not_root(parts)?;
    let declared = environment(parts)?;
    let arguments = arguments(parts.container, parts.image, &declared);
    let environment: Variables = declared
        .into_iter()
        .map(|(name, value)| {
            let value = if name == "PATH" {
                parts.files.translate_list(&value)
            } else {
                parts.files.translate(&value)
            };
            (name, value)
        })
        .collect();
    let folder = working_folder(parts)?;
    let program = program(parts, arguments.first().map(String::as_str).unwrap_or_default(), &environment)?;
    let rest = arguments.iter().skip(1).map(|argument| parts.files.translate(argument));
    let arguments = std::iter::once(program.display().to_string()).chain(rest).collect();
    Ok(Launch { arguments, environment, folder, log: parts.log.clone() })
}

/// kubelet's check of `runAsNonRoot`, though nothing here changes its user.
fn not_root(parts: &Parts<'_>) -> Result<(), NotRunnable> {
    let setting = |field: &str| {
        let own = parts.container.pointer(&format!("/securityContext/{field}"));
        own.or_else(|| parts.pod.pointer(&format!("/spec/securityContext/{field}")))
    };
    if !setting("runAsNonRoot").and_then(Value::as_bool).unwrap_or_default() {
        return Ok(());
    }
    let image_user = parts.image.user.split(':').next().unwrap_or_default();
    let why = match setting("runAsUser").and_then(Value::as_i64) {
        Some(0) => "container's runAsUser breaks non-root policy".to_owned(),
        None if image_user.is_empty() || image_user == "0" => {
            "container has runAsNonRoot and image will run as root".to_owned()
        }
        None if image_user.parse::<u64>().is_err() => {
            format!(
                "container has runAsNonRoot and image has non-numeric user ({image_user}), cannot verify user is non-root"
            )
        }
        Some(_) | None => return Ok(()),
    };
    let whose = format!(
        "(pod: \"{}_{}({})\", container: {})",
        text(parts.pod, "/metadata/name"),
        text(parts.pod, "/metadata/namespace"),
        text(parts.pod, "/metadata/uid"),
        text(parts.container, "/name")
    );
    Err(NotRunnable { reason: "CreateContainerConfigError", message: format!("{why} {whose}") })
}

fn config_error(message: String) -> NotRunnable {
    NotRunnable { reason: "CreateContainerConfigError", message }
}

/// The image's environment, the container's over it, and what the node adds.
fn environment(parts: &Parts<'_>) -> Result<Variables, NotRunnable> {
    let mut all = Variables::new();
    for text in parts.image.env.iter().flatten() {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        put(&mut all, name, value.to_owned());
    }
    put(&mut all, "HOSTNAME", text(parts.pod, "/metadata/name").to_owned());
    for source in list(parts.container, "/envFrom") {
        let map =
            config_map(parts, text(source, "/configMapRef/name"), truth(source, "/configMapRef/optional"))?;
        for (key, value) in map.iter().flat_map(|map| entries(map, "/data")) {
            let name = format!("{}{key}", text(source, "/prefix"));
            put(&mut all, &name, value.as_str().unwrap_or_default().to_owned());
        }
    }
    for variable in list(parts.container, "/env") {
        let value = match variable.get("valueFrom") {
            Some(source) => value_from(parts, source)?,
            None => Some(expand(text(variable, "/value"), &all)),
        };
        if let Some(value) = value {
            put(&mut all, text(variable, "/name"), value);
        }
    }
    let port = list(parts.container, "/ports").first().and_then(|port| number(port, "/containerPort"));
    if let Some(port) = port {
        put(&mut all, "GANGPLANK_LISTEN", format!("{}:{port}", text(parts.pod, "/status/podIP")));
    }
    Ok(all)
}

fn put(all: &mut Variables, name: &str, value: String) {
    all.retain(|(known, _)| known != name);
    all.push((name.to_owned(), value));
}

/// The value a `valueFrom` means; `None` if it is optional and not there.
fn value_from(parts: &Parts<'_>, source: &Value) -> Result<Option<String>, NotRunnable> {
    if let Some(reference) = source.get("fieldRef") {
        let path = text(reference, "/fieldPath");
        let value = field(parts.pod, path);
        return value.map(Some).ok_or_else(|| config_error(format!("fieldPath \"{path}\" is not supported")));
    }
    if let Some(reference) = source.get("configMapKeyRef") {
        let (name, key) = (text(reference, "/name"), text(reference, "/key"));
        let optional = truth(reference, "/optional");
        let map = config_map(parts, name, optional)?;
        let value = map.and_then(|map| map.get("data")?.get(key)?.as_str().map(str::to_owned));
        return match value {
            None if !optional => {
                let namespace = text(parts.pod, "/metadata/namespace");
                Err(config_error(format!("couldn't find key {key} in ConfigMap {namespace}/{name}")))
            }
            value => Ok(value),
        };
    }
    if let Some(reference) = source.get("secretKeyRef") {
        let missing = config_error(format!("secret \"{}\" not found", text(reference, "/name")));
        return if truth(reference, "/optional") { Ok(None) } else { Err(missing) };
    }
    Err(config_error("the sandbox's node knows fieldRef and configMapKeyRef only".to_owned()))
}

fn config_map(parts: &Parts<'_>, name: &str, optional: bool) -> Result<Option<Value>, NotRunnable> {
    let key = Key::new(&CONFIG_MAP, text(parts.pod, "/metadata/namespace"), name);
    match parts.state.store.get(&key) {
        Some(map) => Ok(Some(Value::clone(&map))),
        None if optional => Ok(None),
        None => Err(config_error(format!("configmap \"{name}\" not found"))),
    }
}

/// A field of the pod by its downward path.
fn field(pod: &Value, path: &str) -> Option<String> {
    const KNOWN: &[&str] = &[
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.podIP",
    ];
    if KNOWN.contains(&path) {
        return Some(text(pod, &format!("/{}", path.replace('.', "/"))).to_owned());
    }
    let (map, key) = path.strip_suffix("']")?.split_once("['")?;
    let pointer = match map {
        "metadata.labels" => "/metadata/labels",
        "metadata.annotations" => "/metadata/annotations",
        _ => return None,
    };
    let value = pod.pointer(pointer).and_then(|map| map.get(key)).and_then(Value::as_str);
    Some(value.unwrap_or_default().to_owned())
}

/// Replaces `$(NAME)`; `$$(NAME)` stays as `$(NAME)`, unknown names stay as they are.
fn expand(value: &str, variables: &Variables) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("$$") {
            out.push('$');
            rest = after;
            continue;
        }
        let name = from.strip_prefix("$(").and_then(|inner| inner.split_once(')'));
        let known =
            name.and_then(|(name, after)| Some((variables.iter().find(|(it, _)| it == name)?, after)));
        if let Some(((_, value), after)) = known {
            out.push_str(value);
            rest = after;
        } else {
            out.push('$');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    out + rest
}

/// `command` replaces the entry point and the image's arguments; `args` the arguments alone.
fn arguments(container: &Value, image: &RunConfig, variables: &Variables) -> Vec<String> {
    let own = |field: &str| -> Vec<String> {
        list(container, field).iter().filter_map(Value::as_str).map(|text| expand(text, variables)).collect()
    };
    let (command, args) = (own("/command"), own("/args"));
    let replaced = !command.is_empty();
    let command = if replaced { command } else { image.entrypoint.clone().unwrap_or_default() };
    let args = if replaced || !args.is_empty() { args } else { image.cmd.clone().unwrap_or_default() };
    command.into_iter().chain(args).collect()
}

fn working_folder(parts: &Parts<'_>) -> Result<PathBuf, NotRunnable> {
    let own = text(parts.container, "/workingDir");
    let wanted = if own.is_empty() { parts.image.working_dir.as_str() } else { own };
    let failed = |why: String| NotRunnable {
        reason: "CreateContainerError",
        message: format!("failed to mkdir \"{wanted}\": {why}"),
    };
    let folder =
        parts.files.on_host(wanted).ok_or_else(|| failed("too many levels of symbolic links".to_owned()))?;
    std::fs::create_dir_all(&folder).map_err(|error| failed(error.to_string()))?;
    Ok(folder)
}

/// The program on the host. Fails with a container runtime's words.
fn program(parts: &Parts<'_>, name: &str, environment: &Variables) -> Result<PathBuf, NotRunnable> {
    let failed = |why: String| NotRunnable {
        reason: "RunContainerError",
        message: format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
             failed: unable to start container process: error during container init: exec: \"{name}\": {why}"
        ),
    };
    if name.is_empty() {
        return Err(NotRunnable {
            reason: "CreateContainerError",
            message: "no command specified".to_owned(),
        });
    }
    let candidates: Vec<PathBuf> = if name.contains('/') {
        parts.files.on_host(name).into_iter().collect()
    } else {
        let paths = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_str());
        paths.unwrap_or_default().split(':').map(|folder| Path::new(folder).join(name)).collect()
    };
    let found = candidates.iter().find(|place| place.is_file());
    let not_there = if name.contains('/') {
        format!("stat {name}: no such file or directory")
    } else {
        "executable file not found in $PATH".to_owned()
    };
    let found = found.ok_or_else(|| failed(not_there))?;
    let executable = std::fs::metadata(found).is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0);
    if executable { Ok(found.clone()) } else { Err(failed("permission denied".to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn variables_are_expanded_as_kubernetes_does() {
        let variables = vec![("A".to_owned(), "1".to_owned())];
        for (text, expected) in [
            ("$(A)-$(B)", "1-$(B)"),
            ("$$(A)", "$(A)"),
            ("$A", "$A"),
            ("x$", "x$"),
            ("$(A", "$(A"),
            ("$(A)$(A)", "11"),
        ] {
            assert_eq!(expand(text, &variables), expected, "{text}");
        }
    }

    #[test]
    fn commands_replace_what_kubernetes_replaces() {
        let image = RunConfig {
            entrypoint: Some(vec!["/e".to_owned()]),
            cmd: Some(vec!["c".to_owned()]),
            ..RunConfig::default()
        };
        for (container, expected) in [
            (json!({}), vec!["/e", "c"]),
            (json!({ "args": ["a"] }), vec!["/e", "a"]),
            (json!({ "command": ["/x"] }), vec!["/x"]),
            (json!({ "command": ["/x"], "args": ["a"] }), vec!["/x", "a"]),
        ] {
            assert_eq!(arguments(&container, &image, &Vec::new()), expected, "{container}");
        }
    }

    #[test]
    fn fields_of_the_pod() {
        let pod = json!({ "metadata": { "name": "p", "labels": { "a/b": "c" } }, "status": { "podIP": "127.64.0.1" } });
        for (path, expected) in [
            ("metadata.name", Some("p")),
            ("status.podIP", Some("127.64.0.1")),
            ("metadata.labels['a/b']", Some("c")),
            ("metadata.labels['x']", Some("")),
            ("spec.containers", None),
        ] {
            assert_eq!(field(&pod, path).as_deref(), expected, "{path}");
        }
    }
}
