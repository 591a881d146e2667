//! `gangplank token` as kubectl, docker, Google's libraries and scripts call it.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harbour::{Ended, Harbour, ended};

const V1: &str = "client.authentication.k8s.io/v1";

impl Harbour {
    /// `gangplank token`, with kept tokens in a folder of their own.
    fn token(&self, arguments: &[&str]) -> Command {
        let mut words = vec!["token"];
        words.extend(arguments);
        let mut command = self.command(&words);
        command.env("XDG_CACHE_HOME", self.caches());
        command.env("GANGPLANK_FILE", self.file("bridge.yaml"));
        command
    }

    fn caches(&self) -> PathBuf {
        self.file("caches")
    }

    /// The files of kept tokens.
    fn kept(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.caches().join("gangplank")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("token-")).collect()
    }

    /// How many tokens were minted so far.
    fn minted(&self) -> usize {
        self.sandbox.world.minted.all().len()
    }

    fn stranger(&self, mut command: Command) -> Command {
        let stranger = &sandbox::seed::STRANGER;
        let secret = self.sandbox.world.azure.client_secret(stranger.client_id).unwrap();
        command.env_remove("AZURE_FEDERATED_TOKEN_FILE");
        command.env("AZURE_CLIENT_ID", stranger.client_id).env("AZURE_CLIENT_SECRET", secret);
        command
    }

    /// Asks the cluster for a namespace's pods.
    fn pods(&self, namespace: &str, token: &str) -> u16 {
        let cluster = self.sandbox.addresses().cluster;
        let url = format!("https://{cluster}/api/v1/namespaces/{namespace}/pods");
        self.send(self.client().get(url).bearer_auth(token)).0
    }
}

/// Runs a command with something on stdin.
fn told(mut command: Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn as_kubectl(mut command: Command) -> Command {
    let info = json!({ "kind": "ExecCredential", "apiVersion": V1, "spec": { "interactive": false } });
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    command
}

#[test]
fn kubectl_gets_a_short_credential_of_the_teams() {
    let harbour = Harbour::set_up();
    let asked = as_kubectl(harbour.token(&["kubectl", "--team", "oncology"]));
    let first = ended(asked).expect_code(0).json();
    assert_eq!((&first["kind"], &first["apiVersion"]), (&json!("ExecCredential"), &json!(V1)));
    let token = first["status"]["token"].as_str().unwrap();
    assert_eq!(harbour.pods("team-oncology", token), 200);
    assert_eq!(harbour.pods("team-cellar", token), 403);
    let end: jiff::Timestamp = first["status"]["expirationTimestamp"].as_str().unwrap().parse().unwrap();
    let life = end.duration_since(jiff::Timestamp::now());
    assert!(life <= jiff::SignedDuration::from_mins(15), "{life}");

    let minted = harbour.minted();
    let again = ended(as_kubectl(harbour.token(&["kubectl", "--team", "oncology"]))).expect_code(0).json();
    assert_eq!(again, first, "the kept one");
    assert_eq!(harbour.minted(), minted, "nobody was asked");
    let other = ["kubectl", "--team", "oncology", "--lifetime", "5m"];
    let other = ended(as_kubectl(harbour.token(&other))).expect_code(0).json();
    assert_ne!(other["status"]["token"], first["status"]["token"], "another wish, another token");
}

#[test]
fn a_herd_of_kubectls_makes_one_exchange() {
    let harbour = Harbour::set_up();
    let alone = harbour.minted();
    ended(harbour.token(&["kubectl", "--team", "oncology"])).expect_code(0);
    let one_exchange = harbour.minted() - alone;
    ended(harbour.token(&["forget"])).expect_code(0).expect_talk("forgot one token");
    let before = harbour.minted();
    let herd: Vec<_> =
        (0..20).map(|_| harbour.token(&["kubectl", "--team", "oncology"]).spawn().unwrap()).collect();
    let answers: std::collections::BTreeSet<String> = herd
        .into_iter()
        .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    assert_eq!(answers.len(), 1, "all got the same token");
    assert_eq!(harbour.minted() - before, one_exchange);
}

#[test]
fn kept_tokens_are_private_and_what_is_not_is_made_anew() {
    let harbour = Harbour::set_up();
    let ask = || ended(harbour.token(&["plain"])).expect_code(0);
    let first = ask();
    let folder = harbour.caches().join("gangplank");
    assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    let [file] = harbour.kept().try_into().unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert_eq!(ask().stdout, first.stdout);

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let anew = ask().expect_talk("other users may read or change it");
    assert_ne!(anew.stdout, first.stdout);
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);

    let elsewhere = harbour.file("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    let planted = std::fs::read(&elsewhere).unwrap();
    let third = ask().expect_talk("it is no plain file");
    assert_ne!(third.stdout, anew.stdout);
    assert_eq!(std::fs::read(&elsewhere).unwrap(), planted, "a link is not followed");
    std::fs::write(&file, "{}").unwrap();
    ask().expect_talk("does not hold what was written");
}

#[test]
fn a_stranger_is_denied_and_nothing_is_kept() {
    let harbour = Harbour::set_up();
    let denied = ended(harbour.stranger(harbour.token(&["kubectl", "--team", "oncology"])));
    let denied = denied.expect_code(3).expect_talk("gangplank doctor");
    assert_eq!(denied.stdout, "");
    assert!(harbour.kept().is_empty());
    let docker =
        told(harbour.stranger(harbour.token(&["docker", "get"])), &registry(&harbour)).expect_code(3);
    assert!(docker.stdout.starts_with("could not get a token: "), "docker shows stdout: {docker:?}");

    // Somebody who may is not a reason to hand her token to somebody who may not.
    ended(harbour.token(&["kubectl", "--team", "oncology"])).expect_code(0);
    ended(harbour.stranger(harbour.token(&["kubectl", "--team", "oncology"]))).expect_code(3);
}

#[test]
fn teams_and_files_are_named_or_asked_for() {
    let harbour = Harbour::set_up();
    ended(harbour.token(&["kubectl"])).expect_code(2).expect_talk("--team takes one of: oncology, cellar");
    ended(harbour.token(&["kubectl", "--team", "nobody"])).expect_code(2).expect_talk("no team `nobody`");
    ended(harbour.token(&["kubectl", "--lifetime", "2h"])).expect_code(2);
    let mut unnamed = harbour.token(&["kubectl", "--team", "oncology"]);
    unnamed.env_remove("GANGPLANK_FILE");
    ended(unnamed).expect_code(2).expect_talk("`./bridge.yaml` is not looked at");
    let file = harbour.file("bridge.yaml");
    let mut named = harbour.token(&["kubectl", "--team", "oncology", "-f", file.to_str().unwrap()]);
    named.env_remove("GANGPLANK_FILE");
    ended(named).expect_code(0);
    let mut odd = harbour.token(&["kubectl", "--team", "oncology"]);
    odd.env("KUBERNETES_EXEC_INFO", "{}");
    ended(odd).expect_code(2).expect_talk("expected `ExecCredential`");
}

fn registry(harbour: &Harbour) -> String {
    harbour.sandbox.addresses().registry.to_string()
}

#[test]
fn docker_gets_a_log_in_for_its_own_registries_alone() {
    let harbour = Harbour::set_up();
    let registry = registry(&harbour);
    for server in [registry.clone(), format!("http://{registry}/v2/\n")] {
        let given = told(harbour.token(&["docker", "get"]), &server).expect_code(0).json();
        assert_eq!(given["ServerURL"], json!(server.trim()));
        assert_eq!(given["Username"], "oauth2accesstoken");
        let request = harbour.client().get(format!("http://{registry}/v2/"));
        let (status, body) = harbour.send(request.basic_auth("oauth2accesstoken", given["Secret"].as_str()));
        assert_eq!(status, 200, "{body}");
    }
    for server in ["https://index.docker.io/v1/", "registry.example", "europe-west4-docker.pkg.dev"] {
        let none = told(harbour.token(&["docker", "get"]), server).expect_code(1);
        assert_eq!(none.stdout, "credentials not found in native keychain\n");
    }
    told(harbour.token(&["docker", "get"]), "").expect_code(1);
    let listed = ended(harbour.token(&["docker", "list"])).expect_code(0).json();
    assert_eq!(listed, json!({ registry.clone(): "oauth2accesstoken" }));
    let login = json!({ "ServerURL": registry, "Username": "me", "Secret": "mine" }).to_string();
    let stored = told(harbour.token(&["docker", "store"]), &login).expect_code(1);
    assert!(stored.stdout.starts_with("nothing is stored") && !stored.stderr.contains("mine"), "{stored:?}");
    assert_eq!(harbour.kept().len(), 1);
    told(harbour.token(&["docker", "erase"]), &registry).expect_code(0);
    assert!(harbour.kept().is_empty());
    let version = ended(harbour.token(&["docker", "version"])).expect_code(0);
    assert!(version.stdout.starts_with("docker-credential-gangplank "), "{version:?}");
}

#[test]
fn docker_gets_a_refresh_token_for_azures_registries() {
    let harbour = Harbour::set_up();
    let registry = harbour.sandbox.addresses().acr.to_string();
    let denied = told(harbour.token(&["docker", "get"]), &registry).expect_code(3).expect_talk("AcrPull");
    assert!(denied.stdout.contains("refused the log-in") && denied.stdout.lines().count() == 1, "{denied:?}");
    assert!(harbour.kept().is_empty());

    // Whoever ships a package may pull.
    harbour.edit(
        "model: breast-cancer:1\n    runtime: onnx",
        "model: breast-cancer:2\n    runtime: { environment: \"breast-cancer-package:1\" }",
    );
    harbour.run(&["apply"]).expect_code(0);
    let given = told(harbour.token(&["docker", "get"]), &registry).expect_code(0).json();
    assert_eq!(given["Username"], "00000000-0000-0000-0000-000000000000");
    let url = format!("http://{registry}/oauth2/token?service={registry}");
    let form = [
        ("grant_type", "refresh_token"),
        ("service", registry.as_str()),
        ("scope", "registry:catalog:*"),
        ("refresh_token", given["Secret"].as_str().unwrap()),
    ];
    let (status, body) = harbour.send(harbour.client().post(url).form(&form));
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("access_token"), "{body}");
}

fn as_library(harbour: &Harbour, audience: &str, output: Option<&Path>) -> Command {
    let mut command = harbour.token(&["google"]);
    command.env("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", audience);
    command.env("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", "urn:ietf:params:oauth:token-type:jwt");
    command.env("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0");
    if let Some(file) = output {
        command.env("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", file);
    }
    command
}

#[test]
fn googles_libraries_get_the_entra_token_for_the_bridges_provider_alone() {
    let harbour = Harbour::set_up();
    let pool = "//iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/gangplank";
    let provider = format!("{pool}/providers/entra");
    let output = harbour.file("output.json");
    let given = ended(as_library(&harbour, &provider, Some(&output))).expect_code(0).json();
    assert_eq!((&given["version"], &given["success"]), (&json!(1), &json!(true)));
    assert_eq!(given["token_type"], "urn:ietf:params:oauth:token-type:jwt");
    assert!(given["expiration_time"].as_i64().unwrap() > jiff::Timestamp::now().as_second());
    let written: Value = serde_json::from_slice(&std::fs::read(&output).unwrap()).unwrap();
    assert_eq!(written, given);
    assert_eq!(std::fs::metadata(&output).unwrap().mode() & 0o777, 0o600);
    assert_eq!(exchanged(&harbour, &provider, given["id_token"].as_str().unwrap()), 200);

    let other = ended(as_library(&harbour, &format!("{pool}/providers/other"), Some(&output)));
    assert_eq!(other.stderr, "", "Google's library for Python takes it for part of the answer");
    let other = other.expect_code(0).json();
    assert_eq!((&other["success"], &other["code"]), (&json!(false), &json!("DENIED")), "{other}");
    let message = other["message"].as_str().unwrap();
    assert!(message.contains("providers/other") && message.contains(&provider), "{message}");
    assert!(message.contains("gangplank export cred-config"), "{message}");
    assert_eq!(std::fs::read(&output).unwrap(), (given.to_string() + "\n").into_bytes(), "left as it was");

    let by_hand = ended(harbour.token(&["google"])).expect_code(0).json();
    assert_eq!(by_hand["code"], "USAGE");
    let mut revoke = as_library(&harbour, &provider, None);
    revoke.env("GOOGLE_EXTERNAL_ACCOUNT_REVOKE", "1");
    assert_eq!(ended(revoke).expect_code(0).json(), json!({ "version": 1, "success": true }));
    assert!(harbour.kept().is_empty());
}

/// What Google's STS says of a token.
fn exchanged(harbour: &Harbour, provider: &str, token: &str) -> u16 {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", provider),
        ("scope", "https://www.googleapis.com/auth/cloud-platform"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", token),
    ];
    let url = format!("http://{}/v1/token", harbour.sandbox.addresses().sts);
    harbour.send(harbour.client().post(url).form(&form)).0
}

#[test]
fn scripts_get_the_token_itself() {
    let harbour = Harbour::set_up();
    let plain = |arguments: &[&str]| {
        let words: Vec<&str> = std::iter::once("plain").chain(arguments.iter().copied()).collect();
        ended(harbour.token(&words)).expect_code(0).stdout
    };
    let team = plain(&["--team", "oncology"]);
    assert_eq!(harbour.pods("team-oncology", team.trim()), 200);
    assert_ne!(plain(&[]), team);
    let azure = plain(&["--azure", "https://management.azure.com/.default"]);
    let url = format!(
        "https://{}/subscriptions/{}?api-version=2022-12-01",
        harbour.sandbox.addresses().resource_manager,
        sandbox::seed::SUBSCRIPTION
    );
    let (status, _) = harbour.send(harbour.client().get(url).bearer_auth(azure.trim()));
    assert_ne!(status, 401, "Resource Manager knows the token");
    ended(harbour.token(&["plain", "--team", "a", "--azure", "b"])).expect_code(2);
    ended(harbour.token(&["forget"])).expect_code(0).expect_talk("forgot 3 tokens");
    ended(harbour.token(&["forget"])).expect_code(0).expect_talk("no token was kept");
}

#[test]
fn installed_names_know_their_bridge_file() {
    let harbour = Harbour::set_up();
    let bin = harbour.file("bin");
    let mut install = harbour.token(&["install", "--dir", bin.to_str().unwrap(), "-f", "bridge.yaml"]);
    install.env_remove("GANGPLANK_FILE");
    ended(install).expect_code(0).expect_talk("command: kubectl-gangplank_token");
    let called = |name: &str| {
        let mut command = harbour.command(&[]);
        let mut called = Command::new(bin.join(name));
        called.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        called.env("XDG_CACHE_HOME", harbour.caches()).env_remove("GANGPLANK_FILE").current_dir("/");
        called.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.args(["--version"]);
        called
    };
    let mut get = called("docker-credential-gangplank");
    get.arg("get");
    let given = told(get, &registry(&harbour)).expect_code(0).json();
    assert_eq!(given["Username"], "oauth2accesstoken");
    let mut kubectl = called("kubectl-gangplank_token");
    kubectl.args(["--team", "oncology"]);
    assert_eq!(ended(kubectl).expect_code(0).json()["kind"], "ExecCredential");
    let refused = ended(called("gangplank-google-token")).expect_code(0).json();
    assert_eq!(refused["success"], json!(false));

    // Again is fine; somebody else's file is not touched.
    let again = ["install", "--dir", bin.to_str().unwrap(), "-f", "bridge.yaml"];
    ended(harbour.token(&again)).expect_code(0);
    std::fs::remove_file(bin.join("gangplank-google-token")).unwrap();
    std::fs::write(bin.join("gangplank-google-token"), "somebody's").unwrap();
    ended(harbour.token(&again)).expect_code(2).expect_talk("is no link");
}

#[test]
fn talk_holds_no_token() {
    let harbour = Harbour::set_up();
    let mut said = String::new();
    for words in [&["kubectl", "--team", "oncology", "-vvvv"][..], &["plain", "-vvvv"], &["google", "-vvvv"]]
    {
        said.push_str(&ended(harbour.token(words)).stderr);
        said.push_str(&ended(harbour.stranger(harbour.token(words))).stderr);
    }
    for secret in harbour.sandbox.world.minted.all().iter().filter(|secret| secret.len() > 8) {
        assert!(!said.contains(secret.as_str()), "a secret was said");
    }
}
