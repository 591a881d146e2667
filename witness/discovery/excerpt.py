"""Takes from Google's discovery documents, as google-api-python-client brings them, what our calls are held to: every method's
address and parameters, and the shape of what the named methods send and answer. Writes one JSON file a service."""

import json
import pathlib

import googleapiclient

HERE = pathlib.Path(__file__).parent
DOCUMENTS = pathlib.Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
# The services, and the resources of each that we speak to.
SERVICES = {
    "artifactregistry.v1": ("projects.locations.operations", "projects.locations.repositories"),
    "cloudresourcemanager.v3": ("projects",),
    "container.v1": ("projects.locations.clusters",),
    "iam.v1": ("projects.locations.workloadIdentityPools", "projects.serviceAccounts"),
    "iamcredentials.v1": ("projects.serviceAccounts",),
    "sts.v1": ("v1",),
}
# What is below these would be most of the documents; no call of ours goes there.
SKIPPED = ("namespaces", "nodePools", "well-known", "rules", "files", "attachments", "mavenArtifacts", "npmPackages",
           "pythonPackages", "aptArtifacts", "yumArtifacts", "googetArtifacts", "goModules", "kfpArtifacts", "genericArtifacts")
# Of a service's methods only these: what the others send is most of that document.
ONLY = {"container.v1": ("get", "list")}


def methods(resource, only, found):
    for name, method in resource.get("methods", {}).items():
        if only and name not in only:
            continue
        found.append({
            "id": method["id"], "method": method["httpMethod"], "path": method.get("flatPath", method["path"]),
            "query": {
                name: kind(parameter) for name, parameter in method.get("parameters", {}).items()
                if parameter["location"] == "query"
            },
            "request": method.get("request", {}).get("$ref"), "response": method.get("response", {}).get("$ref"),
        })
    for name, inner in resource.get("resources", {}).items():
        if name not in SKIPPED:
            methods(inner, only, found)


def kind(schema):
    """A schema as short as can be: a type's name, a reference, or a list or map of one."""
    if "$ref" in schema:
        return {"ref": schema["$ref"]}
    if schema.get("type") == "array":
        return {"list": kind(schema["items"])}
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return {"map": kind(schema["additionalProperties"])}
    if schema.get("type") == "object":
        return {"fields": {name: kind(field) for name, field in schema.get("properties", {}).items()}}
    if "enum" in schema and schema.get("type") == "string":
        return {"enum": schema["enum"]}
    return schema.get("format") or schema["type"]


def references(shape):
    if isinstance(shape, dict):
        if isinstance(shape.get("ref"), str):
            yield shape["ref"]
        for inner in shape.values():
            yield from references(inner)


for name, wanted in SERVICES.items():
    document = json.loads((DOCUMENTS / f"{name}.json").read_text())
    found = []
    for path in wanted:
        resource = document
        for part in path.split("."):
            resource = resource["resources"][part]
        methods(resource, ONLY.get(name), found)
    schemas, left = {}, [one[side] for one in found for side in ("request", "response") if one[side]]
    while left:
        reference = left.pop()
        if reference in schemas:
            continue
        shape = kind(document["schemas"][reference])
        schemas[reference] = shape
        left.extend(references(shape))
    parameters = {field: kind(parameter) for field, parameter in document["parameters"].items()}
    lines = [f' "revision": {json.dumps(document["revision"])}', f' "parameters": {json.dumps(parameters)}']
    lines.append(' "methods": [\n  ' + ",\n  ".join(json.dumps(one) for one in found) + "\n ]")
    shown = (f"{json.dumps(key)}: {json.dumps(shape)}" for key, shape in sorted(schemas.items()))
    lines.append(' "schemas": {\n  ' + ",\n  ".join(shown) + "\n }")
    (HERE / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
