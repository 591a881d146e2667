//! `gangplank token kubectl`: a credential for `users[].user.exec` of a kubeconfig, as
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins> wants it.

use identity::Form;
use serde_json::Value;

use super::broker::Broker;
use super::wanted::Wanted;
use crate::args::TokenKubectl;
use crate::report::{Exit, Failure};

/// What kubectl asks, as JSON.
const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";
/// What we answer in where nobody asked in any version.
const NEWEST: &str = "client.authentication.k8s.io/v1";
/// The versions whose answer has the fields that we fill.
const VERSIONS: [&str; 2] = [NEWEST, "client.authentication.k8s.io/v1beta1"];

/// Answers kubectl.
pub(super) fn run(broker: &Broker, flags: &TokenKubectl) -> Result<Exit, Failure> {
    let api_version = api_version(broker.variable(EXEC_INFO))?;
    let wanted = Wanted::Team { team: flags.team.clone(), lifetime: flags.lifetime };
    broker.hand_over(&wanted, Form::ExecCredential { api_version })
}

fn api_version(exec_info: Option<&str>) -> Result<String, Failure> {
    let Some(text) = exec_info else { return Ok(NEWEST.to_owned()) };
    let info: Value = serde_json::from_str(text).map_err(|error| {
        Failure::usage(format!("`{EXEC_INFO}` is no JSON (line {}, column {})", error.line(), error.column()))
    })?;
    let field = |name: &str| info.get(name).and_then(Value::as_str).unwrap_or_default();
    if field("kind") != "ExecCredential" {
        return Err(Failure::usage(format!(
            "`{EXEC_INFO}` holds `{}`, expected `ExecCredential`",
            field("kind")
        )));
    }
    let asked = field("apiVersion");
    if VERSIONS.contains(&asked) {
        return Ok(asked.to_owned());
    }
    Err(Failure::usage(format!("kubectl asks in version `{asked}`, which is not known here"))
        .hint(format!("write `apiVersion: {NEWEST}` under `exec:` in the kubeconfig")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_in_the_version_asked_for() {
        assert_eq!(api_version(None).unwrap(), NEWEST);
        for version in VERSIONS {
            let info = format!(
                r#"{{"kind":"ExecCredential","apiVersion":"{version}","spec":{{"interactive":false}}}}"#
            );
            assert_eq!(api_version(Some(&info)).unwrap(), version);
        }
        for odd in [
            "",
            "{",
            r#"{"kind":"Pod","apiVersion":"v1"}"#,
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}"#,
        ] {
            assert_eq!(api_version(Some(odd)).unwrap_err().exit, Exit::Usage, "{odd}");
        }
    }
}
