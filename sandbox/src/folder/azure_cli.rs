//! The Azure CLI's stand-in: a shell script that hands out tokens of whoever is logged in.
//!
//! Like the real one it takes the log-in from the folder that `AZURE_CONFIG_DIR` names. Tokens for Microsoft's services are files
//! there, which the sandbox renews. A token for any other resource depends on what Entra says at that moment: the script asks for it
//! through a named pipe and is answered through another one of its own, so that it needs no tool but a shell's.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Command;

use super::{FolderError, content, io_error, make, text, write};
use crate::azure::entra::delegated;
use crate::azure::{CONTAINER_REGISTRY, FirstParty, GRAPH, RESOURCE_MANAGER, STORAGE};
use crate::seed;
use crate::world::Shared;

/// Microsoft's services whose tokens lie ready, by the names of their files.
const READY: [(&str, &FirstParty); 4] = [
    ("management", &RESOURCE_MANAGER),
    ("graph", &GRAPH),
    ("storage", &STORAGE),
    ("registry", &CONTAINER_REGISTRY),
];

/// The pipe that a log-in's questions come through.
const QUESTIONS: &str = "ask";

/// Somebody who ran `az login`.
pub(super) struct LoggedIn {
    /// Log-in name.
    pub(super) person: &'static str,
    /// The folder of the log-in, below the sandbox's.
    pub(super) folder: &'static str,
}

/// The administrator, whom the stand-in takes unless told otherwise.
pub(super) const ADMINISTRATOR: LoggedIn = LoggedIn { person: seed::AZURE_ADMIN, folder: "az" };
/// A person without any right.
pub(super) const DANA: LoggedIn = LoggedIn { person: seed::DANA, folder: "az/dana" };

const ALL: [LoggedIn; 2] = [ADMINISTRATOR, DANA];

/// Makes a folder for each log-in.
pub(super) fn prepare(folder: &Path) -> Result<(), FolderError> {
    for logged_in in ALL {
        let path = folder.join(logged_in.folder);
        if !path.is_dir() {
            make(&path)?;
        }
        write(&path.join("account.json"), &account(logged_in.person))?;
    }
    Ok(())
}

/// Writes every token anew that lies ready.
pub(super) fn renew(folder: &Path, world: &Shared) -> Result<(), FolderError> {
    for logged_in in ALL {
        // A world that was kept may know nobody of this name.
        if world.azure.directory().user(logged_in.person).is_none() {
            continue;
        }
        for (name, service) in READY {
            let minted = delegated::first_party(world, logged_in.person, service)
                .map_err(|refusal| content("person's token", &refusal.description(world)))?;
            let path = folder.join(logged_in.folder).join(name);
            write(&path.with_extension("json"), &format!("{:#}\n", reply(minted.token(), minted.expires)))?;
            write(&path.with_extension("token"), minted.token())?;
        }
    }
    Ok(())
}

/// Opens the pipes that questions come through.
pub(super) async fn listen(folder: &Path) -> Result<Vec<Questions>, FolderError> {
    let mut all = Vec::new();
    for logged_in in ALL {
        let folder = folder.join(logged_in.folder);
        let path = folder.join(QUESTIONS);
        let _was_never_there = std::fs::remove_file(&path);
        let made = Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().await;
        if !made.map_err(io_error("run `mkfifo` for", &path))?.success() {
            return Err(content("named pipe", &format!("`mkfifo {}` failed", path.display())));
        }
        // Open for writing, too: else it would end whenever a script that asks does.
        let opened = pipe::OpenOptions::new().read_write(true).open_receiver(&path);
        let pipe = opened.map_err(io_error("open", &path))?;
        all.push(Questions { person: logged_in.person, folder, pipe });
    }
    Ok(all)
}

/// The questions of one log-in.
pub(crate) struct Questions {
    person: &'static str,
    folder: PathBuf,
    pipe: pipe::Receiver,
}

impl Questions {
    /// Answers until aborted. A question is `PROCESS RESOURCE`.
    pub(crate) async fn answer(self, world: Shared) {
        let mut lines = BufReader::new(self.pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let Some((process, resource)) = line.split_once(' ') else { continue };
            if !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit()) {
                let text = answer(&world, self.person, resource);
                let path = self.folder.join(format!("answer.{process}"));
                // Nobody is there any more: whoever asked has given up.
                let Ok(mut pipe) = pipe::OpenOptions::new().open_sender(&path) else { continue };
                if let Err(error) = pipe.write_all(text.as_bytes()).await {
                    tracing::debug!(%error, "an answer to the Azure CLI's stand-in was not taken");
                }
            }
        }
    }
}

/// `ok`, token, what the CLI prints; or `no`, why not, nothing. A line each.
fn answer(world: &Shared, person: &str, resource: &str) -> String {
    let named = resource.strip_suffix("/.default").unwrap_or(resource);
    match delegated::application(world, person, named) {
        Ok(minted) => format!("ok\n{}\n{}\n", minted.token(), reply(minted.token(), minted.expires)),
        Err(refusal) => format!("no\n{}\n\n", refusal.description(world)),
    }
}

/// What `az account get-access-token` prints.
fn reply(token: &str, expires: i64) -> Value {
    let end = Timestamp::from_second(expires).unwrap_or_default();
    json!({
        "accessToken": token,
        "expiresOn": end.strftime("%Y-%m-%d %H:%M:%S.000000").to_string(),
        "expires_on": expires,
        "subscription": seed::SUBSCRIPTION,
        "tenant": seed::TENANT,
        "tokenType": "Bearer",
    })
}

/// What `az account show` prints.
fn account(person: &str) -> String {
    let account = json!({
        "environmentName": "AzureCloud",
        "id": seed::SUBSCRIPTION,
        "isDefault": true,
        "name": "Harbour sandbox",
        "state": "Enabled",
        "tenantId": seed::TENANT,
        "user": { "name": person, "type": "user" },
    });
    format!("{account:#}\n")
}

/// The script.
pub(super) fn script(folder: &Path) -> String {
    let folder = text::quote(&folder.display().to_string());
    let tenant = seed::TENANT;
    format!(
        r#"#!/bin/sh
# Stands in for the Azure CLI. Who is logged in is in the folder that AZURE_CONFIG_DIR names; without it, the administrator.
folder={folder}
logged_in=$folder/az
case "${{AZURE_CONFIG_DIR-}}" in "$folder"/az/*) logged_in=$AZURE_CONFIG_DIR ;; esac
fail() {{ echo "ERROR: $*" >&2; exit 1; }}
[ -f "$logged_in/account.json" ] || fail "Please run 'az login' to setup account."
case "$1 $2" in
"account get-access-token") ;;
"account show") cat "$logged_in/account.json"; exit 0 ;;
*) fail "the sandbox's az knows only 'account get-access-token' and 'account show'." ;;
esac
shift 2
resource=https://management.core.windows.net/ tenant= query= output=json
while [ $# -gt 0 ]; do
  case "$1" in
  --*=*) value=${{1#*=}}; name=${{1%%=*}}; shift ;;
  *) name=$1; value=$2; shift; [ $# -gt 0 ] && shift ;;
  esac
  case "$name" in
  --scope|--scopes|--resource) resource=$value ;;
  --tenant|-t) tenant=$value ;;
  --query) query=$value ;;
  --output|-o) output=$value ;;
  --subscription|--name|-n|-s|--resource-type) ;;
  *) fail "unrecognized arguments: $name" ;;
  esac
done
[ -z "$tenant" ] || [ "$tenant" = {tenant} ] ||
  fail "AADSTS90002: Tenant '$tenant' not found. Check to make sure you have the correct tenant ID."
case "$output $query" in
"tsv accessToken") form=token ;;
"json "|"jsonc ") form=json ;;
*) fail "the sandbox's az prints '--output json', or '--query accessToken --output tsv'." ;;
esac
case "$resource" in
https://management.azure.com*|https://management.core.windows.net*) file=management ;;
https://graph.microsoft.com*) file=graph ;;
https://storage.azure.com*|https://*.blob.core.windows.net*) file=storage ;;
https://containerregistry.azure.net*) file=registry ;;
*) file= ;;
esac
if [ -n "$file" ]; then
  cat "$logged_in/$file.$form" && {{ [ $form = json ] || echo; }}
  exit
fi
# Any other resource: Entra is asked.
kill -0 "$(cat "$folder/lock")" 2>/dev/null || fail "the sandbox is not running."
answer=$logged_in/answer.$$
rm -f "$answer"
mkfifo -m 600 "$answer" || exit 1
trap 'rm -f "$answer"' EXIT
exec 3<>"$answer"
echo "$$ $resource" >"$logged_in/ask"
IFS= read -r outcome <&3
IFS= read -r token <&3
IFS= read -r json <&3
if [ "$outcome" != ok ]; then
  echo "ERROR: $token" >&2
  fail "Interactive authentication is needed. Please run: az login --scope $resource"
fi
if [ $form = json ]; then printf '%s\n' "$json"; else printf '%s\n' "$token"; fi
"#
    )
}
