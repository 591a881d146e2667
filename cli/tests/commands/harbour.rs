//! A sandbox of one's own for each test, and `gangplank` run in it as a user would.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use sandbox::{Options, Sandbox};

/// A sandbox and the shell of somebody who sourced its `env`.
pub(crate) struct Harbour {
    pub(crate) sandbox: Sandbox,
    /// Runs the sandbox; outlives it.
    pub(crate) runtime: tokio::runtime::Runtime,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Harbour {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    /// A harbour with a sandbox of its own kind.
    pub(crate) fn with(options: Options) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        Self { sandbox, runtime }
    }

    /// A harbour whose trust is set up.
    pub(crate) fn set_up() -> Self {
        let harbour = Self::new();
        harbour.run(&["apply"]).expect_code(0);
        harbour
    }

    /// The command, with the sandbox's environment and nothing else of this process's log-ins.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gangplank"));
        command.args(arguments).current_dir(self.sandbox.folder()).env_clear();
        command.envs(self.sandbox.environment());
        let path = format!("{}:{}", self.sandbox.tools().display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env("HOME", self.sandbox.folder()).env("GANGPLANK_SCORER", scorer());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments))
    }

    /// Runs a command and kills it with SIGKILL as soon as a line of its talk contains `sign`. Returns whether it came
    /// to that.
    pub(crate) fn kill_at(&self, arguments: &[&str], sign: &str) -> bool {
        let mut child = self.command(arguments).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let seen = stderr.lines().map_while(Result::ok).any(|line| line.contains(sign));
        end(&mut child);
        seen
    }

    /// Registers another model version in Azure ML.
    pub(crate) fn add_model(&self, name: &str, version: &str, files: &[(&str, &'static str)]) {
        let files: Vec<(&str, bytes::Bytes)> =
            files.iter().map(|(path, text)| (*path, bytes::Bytes::from_static(text.as_bytes()))).collect();
        self.sandbox.world.azure.add_model(name, version, &[], &files, &self.sandbox.world.clock);
    }

    /// A file in the sandbox's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.sandbox.folder().join(name)
    }

    /// Replaces text in the bridge file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.file("bridge.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in\n{text}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    /// An HTTP client that trusts the sandbox.
    pub(crate) fn client(&self) -> reqwest::Client {
        let pem = std::fs::read(self.file("ca.pem")).unwrap();
        let authority = reqwest::Certificate::from_pem(&pem).unwrap();
        reqwest::Client::builder().tls_certs_merge([authority]).build().unwrap()
    }

    /// Sends a request and returns status and body.
    pub(crate) fn send(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        self.runtime.block_on(async {
            let reply = request.send().await.unwrap();
            (reply.status().as_u16(), reply.text().await.unwrap())
        })
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn expect_talk(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "`{part}` is not in stderr:\n{}", self.stderr);
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Runs a command to its end.
pub(crate) fn ended(mut command: Command) -> Ended {
    output(&command.output().unwrap())
}

/// What a process left.
pub(crate) fn output(output: &std::process::Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Lines of a file that a shell would source: `export NAME='value'` and `unset NAME`.
pub(crate) fn source(command: &mut Command, file: &Path) {
    for line in std::fs::read_to_string(file).unwrap().lines() {
        if let Some(name) = line.strip_prefix("unset ") {
            command.env_remove(name.trim());
        } else if let Some((name, value)) = line.strip_prefix("export ").and_then(|line| line.split_once('='))
        {
            command.env(name, value.trim_matches('\''));
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    child.wait().unwrap();
}

/// The scorer as a static binary, built once.
pub(crate) fn scorer() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(named) = std::env::var_os("GANGPLANK_SCORER") {
            return PathBuf::from(named);
        }
        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--quiet", "--package", "xtask", "--", "scorer", "--image"]);
        let built = ended({
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        })
        .expect_code(0);
        PathBuf::from(built.stdout.trim())
    })
}

/// Acting by hand on the clouds, as the administrator.
impl Harbour {
    /// A Google access token of the administrator's.
    pub(crate) fn google_log_in(&self) -> String {
        let log_in: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.file("adc.json")).unwrap()).unwrap();
        let field = |name: &str| log_in[name].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", field("client_id")),
            ("client_secret", field("client_secret")),
            ("refresh_token", field("refresh_token")),
        ];
        let (status, body) = self.send(self.client().post(field("token_uri")).form(&form));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<serde_json::Value>(&body).unwrap()["access_token"].as_str().unwrap().to_owned()
    }

    /// Edits fields of the provider.
    pub(crate) fn edit_provider(&self, mask: &str, body: &serde_json::Value) {
        let url = format!(
            "http://{}/v1/projects/{}/locations/global/workloadIdentityPools/gangplank/providers/entra?updateMask={mask}",
            self.sandbox.addresses().iam,
            sandbox::seed::PROJECT
        );
        let (status, reply) =
            self.send(self.client().patch(url).bearer_auth(self.google_log_in()).json(body));
        assert_eq!(status, 200, "{reply}");
    }

    /// Gives the administrator these roles on the project, and no others.
    pub(crate) fn demote_administrator(&self, roles: &[&str]) {
        let resource = format!(
            "http://{}/v3/projects/{}",
            self.sandbox.addresses().cloud_resource_manager,
            sandbox::seed::PROJECT
        );
        let member = format!("user:{}", sandbox::seed::GOOGLE_ADMIN);
        self.edit_policy(&resource, reqwest::Method::POST, |bindings| {
            bindings
                .retain(|binding| !binding["members"].as_array().unwrap().contains(&member.as_str().into()));
            bindings.extend(roles.iter().map(|role| serde_json::json!({"role": role, "members": [member]})));
        });
    }

    /// Removes one role from the IAM policy behind `resource`, a URL without its verb.
    pub(crate) fn revoke(&self, resource: &str, role: &str, read: reqwest::Method) {
        self.edit_policy(resource, read, |bindings| bindings.retain(|binding| binding["role"] != role));
    }

    pub(crate) fn edit_policy(
        &self,
        resource: &str,
        read: reqwest::Method,
        edit: impl FnOnce(&mut Vec<serde_json::Value>),
    ) {
        let token = self.google_log_in();
        let client = self.client();
        // Without it, conditions would not be shown.
        let query = [("options.requestedPolicyVersion", "3")];
        let request = client.request(read, format!("{resource}:getIamPolicy")).query(&query);
        let (status, policy) = self.send(request.bearer_auth(&token));
        assert_eq!(status, 200, "{policy}");
        let mut policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
        edit(policy["bindings"].as_array_mut().unwrap());
        policy["version"] = 3.into();
        let body = serde_json::json!({ "policy": policy });
        let (status, reply) =
            self.send(client.post(format!("{resource}:setIamPolicy")).bearer_auth(&token).json(&body));
        assert_eq!(status, 200, "{reply}");
    }
}
