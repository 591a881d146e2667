"""Command line tools: gcloud, kubectl, crane, skopeo."""

import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile

from clients import FOLDER, ask, at, every

WORK = pathlib.Path(os.environ["WITNESS_WORK"])
PLACE = "europe-west4"
PROJECT = "harbour-sandbox"
TENANT = os.environ["AZURE_TENANT_ID"]
IMAGE = f"{at('registry')}/{PROJECT}/models/tiny"
ENVIRONMENT = {
    **os.environ,
    "CLOUDSDK_CONFIG": str(WORK / "gcloud"),
    "CLOUDSDK_CORE_PROJECT": PROJECT,
    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
    "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": os.environ["GOOGLE_APPLICATION_CREDENTIALS"],
    "CLOUDSDK_AUTH_TOKEN_HOST": f"http://{at('oauth2')}/token",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM": f"http://{at('iam')}/",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS": f"http://{at('iam_credentials')}/",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY": f"http://{at('artifact_registry')}/",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER": f"http://{at('cloud_resource_manager')}/",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": f"http://{at('container')}/",
}


def run(*command, told=None, may_fail=False):
    """What a command prints; of one that may fail, the first line that it fails with."""
    ended = subprocess.run(command, input=told, capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    if may_fail and ended.returncode:
        return {"code": ended.returncode, "says": (ended.stderr.strip().splitlines() or [""])[0]}
    assert ended.returncode == 0, f"{command}: {ended.stderr}"
    return ended.stdout


def shown(*command, **more):
    return json.loads(run(*command, **more))


def picked(value, *names):
    return {name: value[name] for name in names if name in value}


def gcloud():
    client = "gcloud " + shown("gcloud", "version", "--format=json")["Google Cloud SDK"]

    def json_of(*arguments):
        return shown("gcloud", *arguments, "--format=json")

    pools = ("iam", "workload-identity-pools")
    here = ("--location=global",)
    ask(client, "iam workload-identity-pools create", lambda: picked(json_of(
        *pools, "create", "witness", *here, "--display-name=Witness"), "name", "displayName", "state"))
    ask(client, "… providers create-oidc", lambda: picked(json_of(
        *pools, "providers", "create-oidc", "entra", *here, "--workload-identity-pool=witness",
        f"--issuer-uri=https://{at('entra')}/{TENANT}/v2.0", "--allowed-audiences=api://witness",
        "--attribute-mapping=google.subject=assertion.oid"), "name", "state", "attributeMapping"))
    ask(client, "… describe", lambda: picked(json_of(*pools, "describe", "witness", *here), "name", "state"))
    ask(client, "… list", lambda: [one["name"] for one in json_of(*pools, "list", *here)])
    ask(client, "… delete and undelete", lambda: [
        (run("gcloud", *pools, "delete", "witness", *here), json_of(*pools, "describe", "witness", *here)["state"])[1],
        (run("gcloud", *pools, "undelete", "witness", *here), json_of(*pools, "describe", "witness", *here)["state"])[1],
    ])
    account = f"pusher@{PROJECT}.iam.gserviceaccount.com"
    ask(client, "iam service-accounts create", lambda: json_of(
        "iam", "service-accounts", "create", "pusher", "--display-name=Pusher")["email"])
    member = f"principal://iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/witness/subject/x"
    ask(client, "iam service-accounts add-iam-policy-binding", lambda: json_of(
        "iam", "service-accounts", "add-iam-policy-binding", account, "--role=roles/iam.workloadIdentityUser",
        f"--member={member}")["bindings"])
    ask(client, "projects describe", lambda: picked(json_of("projects", "describe", PROJECT), "projectId", "lifecycleState"))
    ask(client, "projects add-iam-policy-binding", lambda: sorted(one["role"] for one in json_of(
        "projects", "add-iam-policy-binding", PROJECT, f"--member=serviceAccount:{account}",
        "--role=roles/container.clusterViewer", "--condition=None")["bindings"]))
    ask(client, "artifacts repositories create", lambda: picked(json_of(
        "artifacts", "repositories", "create", "models", "--repository-format=docker", f"--location={PLACE}",
        "--labels=made-by=witness"), "name"))
    ask(client, "artifacts repositories list", lambda: [
        picked(one, "name", "format", "labels") for one in json_of("artifacts", "repositories", "list", f"--location={PLACE}")])
    ask(client, "artifacts repositories add-iam-policy-binding", lambda: json_of(
        "artifacts", "repositories", "add-iam-policy-binding", "models", f"--location={PLACE}",
        f"--member=serviceAccount:{account}", "--role=roles/artifactregistry.writer")["bindings"])
    ask(client, "container clusters describe", lambda: picked(json_of(
        "container", "clusters", "describe", "ship", f"--location={PLACE}"), "name", "status", "endpoint"))
    ask(client, "container clusters list", lambda: [one["name"] for one in json_of("container", "clusters", "list")])
    ask(client, "a pool that is not there", lambda: run(
        "gcloud", *pools, "describe", "nothing", *here, may_fail=True))


def layer():
    """A layer with one file, the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        data = b"a model of very few parameters\n"
        entry = tarfile.TarInfo("model.txt")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    place = WORK / "layer.tar"
    place.write_bytes(packed.getvalue())
    return str(place)


def registry():
    token = run("gcloud", "auth", "print-access-token").strip()
    client = "crane " + run("crane", "version").strip()
    log_in = ("-u", "oauth2accesstoken", "--password-stdin")
    run("crane", "auth", "login", at("registry"), *log_in, told=token)
    ask(client, "append: an image of one layer is pushed", lambda: run(
        "crane", "append", "--insecure", "-f", layer(), "-t", f"{IMAGE}:1").strip().split("/", 1)[1])
    ask(client, "digest", lambda: run("crane", "digest", "--insecure", f"{IMAGE}:1").strip())
    ask(client, "validate", lambda: run("crane", "validate", "--insecure", "--remote", f"{IMAGE}:1").split(":")[0])
    ask(client, "tag, then ls", lambda: [
        run("crane", "tag", "--insecure", f"{IMAGE}:1", "latest"), run("crane", "ls", "--insecure", IMAGE).split()])
    ask(client, "copy to another name: layers are there already", lambda: run(
        "crane", "copy", "--insecure", f"{IMAGE}:1", f"{IMAGE}-too:1"))
    ask(client, "export", lambda: hashlib.sha256(subprocess.run(
        ["crane", "export", "--insecure", f"{IMAGE}-too:1", "-"], capture_output=True, check=True, env=ENVIRONMENT
    ).stdout).hexdigest() != hashlib.sha256(b"").hexdigest())
    ask(client, "an absent tag", lambda: "MANIFEST_UNKNOWN" in json.dumps(run(
        "crane", "digest", "--insecure", f"{IMAGE}:none", may_fail=True)))
    client = run("skopeo", "--version").strip().replace(" version", "")
    run("skopeo", "login", "--tls-verify=false", *log_in, at("registry"), "--authfile", str(WORK / "auth.json"), told=token)
    more = ("--authfile", str(WORK / "auth.json"))
    ask(client, "inspect", lambda: picked(shown(
        "skopeo", "inspect", "--tls-verify=false", *more, f"docker://{IMAGE}:1"), "Digest", "RepoTags", "Layers"))
    ask(client, "list-tags", lambda: shown(
        "skopeo", "list-tags", "--tls-verify=false", *more, f"docker://{IMAGE}")["Tags"])
    ask(client, "copy to a folder and back", lambda: [
        run("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", *more, f"docker://{IMAGE}:1", f"dir:{WORK}/image") and "read",
        run("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", *more, f"dir:{WORK}/image", f"docker://{IMAGE}:3") and "written",
    ])


def kubectl():
    client = "kubectl " + shown("kubectl", "version", "--client", "-o", "json")["clientVersion"]["gitVersion"]
    ask(client, "version", lambda: sorted(shown("kubectl", "version", "-o", "json")["serverVersion"])[:2])
    ask(client, "api-resources", lambda: sorted(run("kubectl", "api-resources", "-o", "name").split()))
    ask(client, "create namespace", lambda: run("kubectl", "create", "namespace", "witness").strip())
    things = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes"}, "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "witness"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        },
    ]
    told = "\n---\n".join(json.dumps(thing) for thing in things)
    here = ("-n", "witness")
    for question, arguments in {
        "apply, server side": ("--server-side",), "apply again": ("--server-side",), "apply, client side": (),
    }.items():
        ask(client, question, lambda: run("kubectl", "apply", *here, *arguments, "-f", "-", told=told).splitlines())
    ask(client, "get, as JSON and as a table", lambda: [
        shown("kubectl", "get", *here, "configmap", "notes", "-o", "json")["data"],
        run("kubectl", "get", *here, "configmap", "notes").split()[:3],
    ])
    ask(client, "patch, label, delete", lambda: [
        run("kubectl", "patch", *here, "configmap", "notes", "--type=merge", "-p", '{"data":{"b":"2"}}').strip(),
        run("kubectl", "label", *here, "configmap", "notes", "kept=no").strip(),
        run("kubectl", "delete", *here, "configmap", "notes", "--wait=false").strip(),
    ])
    ask(client, "what is not there", lambda: run("kubectl", "get", *here, "configmap", "none", may_fail=True))


for tool in ("gcloud", "kubectl", "crane", "skopeo"):
    assert shutil.which(tool), f"{tool} is needed"
assert FOLDER.is_dir()
every(__file__, gcloud, registry, kubectl)
