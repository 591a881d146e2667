"""The Open Container Initiative's conformance suite for registries, against the sandbox's two: Google's and Azure's."""

import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.parse
import urllib.request

from clients import FOLDER, ask, at, every
from door import Door

WORK = pathlib.Path(os.environ["WITNESS_WORK"])
TOOLS = pathlib.Path(os.environ["WITNESS_PACKAGES"])
MODULE = "github.com/opencontainers/distribution-spec/conformance"
VERSION = "v0.0.0-20260831232431-97274622c111"
CLIENT = f"distribution-spec/conformance {VERSION}"
PROJECT = "harbour-sandbox"
TENANT = os.environ["AZURE_TENANT_ID"]


def suite(registry, repositories, log_in, **settings):
    """Runs the suite; what it says of each API and each kind of data, and every test that did not pass."""
    if not (TOOLS / "conformance").exists():
        subprocess.run(["go", "install", f"{MODULE}@{VERSION}"], check=True, env={**os.environ, "GOBIN": str(TOOLS)})
    results = WORK / registry.replace(":", "-")
    user, password = log_in
    environment = {
        **os.environ, "OCI_RESULTS_DIR": str(results), "OCI_REGISTRY": registry, "OCI_TLS": "disabled", "OCI_VERSION": "1.1",
        "OCI_REPO1": repositories[0], "OCI_REPO2": repositories[1], "OCI_USERNAME": user, "OCI_PASSWORD": password,
        **{f"OCI_{name.upper()}": value for name, value in settings.items()},
    }
    results.mkdir()
    told = subprocess.run([TOOLS / "conformance"], env=environment, capture_output=True, text=True, timeout=600).stderr
    failed = re.findall(r'msg="failed test" name="OCI Conformance Test/([^"]*)" error="((?:[^"\\]|\\.)*)"', told)
    sections, name = {}, None
    for line in (results / "results.yaml").read_text().splitlines():
        if not line.startswith(" "):
            name = line.rstrip(":")
        elif name in ("apis", "data"):
            which, found = line.strip().rsplit(": ", 1)
            sections.setdefault(name, {})[which] = found
    sections["failed"] = sorted({f"{test}: {first(error)}" for test, error in failed})
    return sections


def first(error):
    """The first line of an error, without what differs from run to run."""
    line = error.replace('\\"', '"').split("\\n")[0]
    return re.sub(r"sha(256|512):[0-9a-f]+", r"sha\1:…", line)


def posted(url, data, token=None, form=False):
    body = urllib.parse.urlencode(data).encode() if form else json.dumps(data).encode()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    headers = {"content-type": kind, **({"authorization": f"Bearer {token}"} if token else {})}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        return json.load(answer)


def google():
    """The suite cannot log in by itself: it reads the repository out of every path, and Artifact Registry's uploads lie under
    `/artifacts-uploads/`. So a door on loopback adds the log-in."""
    account = json.loads((FOLDER / "adc.json").read_text())
    log_in = {name: account[name] for name in ("client_id", "client_secret", "refresh_token")}
    token = posted(f"http://{at('oauth2')}/token", {**log_in, "grant_type": "refresh_token"}, form=True)["access_token"]
    place = f"projects/{PROJECT}/locations/europe-west4/repositories"
    posted(f"http://{at('artifact_registry')}/v1/{place}?repositoryId=conformance", {"format": "DOCKER"}, token)
    door = Door(at("registry"), "oauth2accesstoken", token)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    repositories = [f"{PROJECT}/conformance/{name}" for name in ("one", "two")]
    ask(CLIENT, "europe-west4-docker.pkg.dev", lambda: suite(door.address, repositories, ("", ""), data_sha512="false"))
    door.shutdown()


def azure():
    entra = (FOLDER / "az" / "registry.token").read_text().strip()
    asked = {"grant_type": "access_token", "service": at("acr"), "tenant": TENANT, "access_token": entra}
    refresh = posted(f"http://{at('acr')}/oauth2/exchange", asked, form=True)["refresh_token"]
    user = "00000000-0000-0000-0000-000000000000"
    ask(CLIENT, "quayacr.azurecr.io", lambda: suite(at("acr"), ["conformance/one", "conformance/two"], (user, refresh), data_sha512="false"))


every(__file__, google, azure)
