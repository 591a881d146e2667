"""Asks a real kube-apiserver the questions of generate.py, and records its answers in answers.json beside this file."""

import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kube"))
from control_plane import ControlPlane, binary  # noqa: E402

RBAC = "rbac.authorization.k8s.io"
PLURALS = {"Role": "roles", "RoleBinding": "rolebindings", "ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}
SENTINEL = "gangplank-sentinel"


def path_of(thing, named=False):
    space = thing["metadata"].get("namespace")
    base = f"/apis/{RBAC}/v1/" + (f"namespaces/{space}/" if space else "") + PLURALS[thing["kind"]]
    return f"{base}/{thing['metadata']['name']}" if named else base


def must(answer, what):
    status, body = answer
    if status >= 300:
        raise SystemExit(f"{what}: {status} {json.dumps(body)}")
    return body


def listed(plane):
    """Every RBAC object of the cluster, without what the server adds."""
    for kind, plural in PLURALS.items():
        for item in must(plane.call("GET", f"/apis/{RBAC}/v1/{plural}"), plural)["items"]:
            kept = {key: item["metadata"][key] for key in ("name", "namespace", "labels") if key in item["metadata"]}
            yield {"kind": kind, **{key: value for key, value in item.items() if key != "metadata"}, "metadata": kept}


def sentinels(number):
    """Objects made last, one of each kind: once they count, everything before them does."""
    user, rules = f"sentinel-{number}", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    for kind, space in (("Role", "default"), ("RoleBinding", "default"), ("ClusterRole", None), ("ClusterRoleBinding", None)):
        metadata = {"name": f"{SENTINEL}-{number}", **({"namespace": space} if space else {})}
        thing = {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata}
        if kind.endswith("Binding"):
            role = {"apiGroup": RBAC, "kind": kind.removesuffix("Binding"), "name": metadata["name"]}
            name = user + ("-cluster" if space is None else "")
            thing |= {"roleRef": role, "subjects": [{"kind": "User", "apiGroup": RBAC, "name": name}]}
        else:
            thing["rules"] = rules
        yield thing


def review(plane, question):
    user, groups, verb, *what = question
    spec = {"user": user, "groups": groups}
    if len(what) == 1:
        spec["nonResourceAttributes"] = {"verb": verb, "path": what[0]}
    else:
        keys = ("group", "resource", "subresource", "namespace", "name")
        spec["resourceAttributes"] = {"verb": verb, **{key: value for key, value in zip(keys, what) if value}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    status = must(plane.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body), question)["status"]
    if status.get("evaluationError") and not status.get("reason"):
        raise SystemExit(f"{question}: {status}")
    return status["allowed"], status.get("reason", "")


def settle(plane):
    """Waits until the controller has gathered the rules of all cluster roles: they stay the same for two seconds."""
    def state():
        roles = must(plane.call("GET", f"/apis/{RBAC}/v1/clusterroles"), "clusterroles")["items"]
        return {role["metadata"]["name"]: role["metadata"]["resourceVersion"] for role in roles}

    before, since = state(), time.monotonic()
    while time.monotonic() < since + 2:
        time.sleep(0.2)
        now = state()
        if now != before:
            before, since = now, time.monotonic()


def attributes(method, path):
    """What the API server makes of an HTTP request: the tail of a question."""
    parts = path.strip("/").split("/")
    if parts[0] not in ("api", "apis"):
        return [method.lower(), path]
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    space = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        space, rest = rest[1], rest[2:]
    resource, name, sub = (rest + ["", ""])[:3]
    verbs = {"GET": "get" if name else "list", "POST": "create", "PUT": "update", "DELETE": "delete" if name else "deletecollection"}
    return [verbs[method], group, resource, sub, space, name]


def request(plane, user, method, path):
    """A request in a user's name: the groups the server puts it into, what it asks, and the words of the refusal, if refused."""
    impersonate = {"Impersonate-User": user}
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    status, me = plane.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, impersonate)
    groups = me["status"]["userInfo"].get("groups", []) if status == 201 else None
    body = {} if method in ("POST", "PUT") else None
    # Nothing may change: a dry run is authorized like any other request.
    dry = "?dryRun=All" if method != "GET" and path.startswith("/api") else ""
    status, answer = plane.call(method, path + dry, body, impersonate)
    refused = answer["message"] if status == 403 else None
    return [user, groups, *attributes(method, path)], refused


def play(plane, number, world, base):
    for thing in [*world["objects"], *sentinels(number)]:
        must(plane.call("POST", path_of(thing), thing), thing["metadata"]["name"])
    pod = ["get", "", "pods", "", "default", ""]
    for name in (f"sentinel-{number}", f"sentinel-{number}-cluster"):
        plane.wait(lambda: review(plane, [name, [], *pod])[0], "the sentinels")
    settle(plane)
    gathered = [thing for thing in listed(plane) if thing.get("aggregationRule")]
    changed = {thing["metadata"]["name"]: thing.get("rules") or [] for thing in gathered if thing not in base}
    # The authorizer reads a watch cache; what the controller wrote last must have come by.
    time.sleep(1)
    answers = [review(plane, question) for question in world["questions"]]
    requests = [request(plane, *line) for line in world["requests"]]
    for thing in [*world["objects"], *sentinels(number)]:
        must(plane.call("DELETE", path_of(thing, named=True)), thing["metadata"]["name"])
    reasons = sorted({reason for _, reason in answers})
    return {
        "objects": world["objects"], "gathered": changed, "reasons": reasons,
        "questions": [[*question, allowed, reasons.index(reason)] for question, (allowed, reason) in zip(world["questions"], answers)],
        "requests": [[question, refused] for question, refused in requests],
    }


def lines(value, depth):
    """JSON with a line for each element, `depth` levels down."""
    if depth == 0 or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, dict):
        inner = [f"{json.dumps(key)}:{lines(part, depth - 1)}" for key, part in value.items()]
        return "{\n" + ",\n".join(inner) + "\n}"
    return "[\n" + ",\n".join(lines(part, depth - 1) for part in value) + "\n]"


def main():
    generated = json.loads(subprocess.run([sys.executable, HERE / "generate.py"], check=True, capture_output=True).stdout)
    with ControlPlane(controllers="clusterrole-aggregation-controller") as plane:
        for space in ("oncology", "cellar"):
            must(plane.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}), space)
        plane.wait(lambda: plane.call("GET", f"/apis/{RBAC}/v1/clusterroles/admin")[1].get("rules"), "the controller")
        settle(plane)
        base = list(listed(plane))
        worlds = [play(plane, number, world, base) for number, world in enumerate(generated["worlds"])]
        version = must(plane.call("GET", "/version"), "version")
    etcd = subprocess.run([binary("etcd"), "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    versions = {"kube-apiserver": version["gitVersion"], "go": version["goVersion"], "etcd": etcd}
    record = {"versions": versions, "seed": generated["seed"], "base": base, "worlds": worlds}
    (HERE / "answers.json").write_text(lines(record, 4) + "\n")
    asked = [line for world in worlds for line in world["questions"]]
    print(f"{len(asked)} questions, {sum(line[-2] for line in asked)} allowed, {sum(len(world['requests']) for world in worlds)} requests")


main()
