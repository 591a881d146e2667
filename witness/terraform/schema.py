#!/usr/bin/env python3
"""The schemas that HashiCorp published of its providers, out of the CDK bindings that it generated from them: for each
provider one JSON file with the provider's own block and the resource types that a configuration uses.

usage: schema.py CONFIGURATION WHEELS OUT
"""
import glob, io, json, re, sys, tarfile, zipfile

META = {"connection", "count", "dependsOn", "forEach", "lifecycle", "provider", "provisioners"}


def assembly(wheel):
    """The description of all types in the bindings, and the version of the provider that they were generated from."""
    z = zipfile.ZipFile(wheel)
    tgz = next(n for n in z.namelist() if n.endswith(".tgz"))
    text = tarfile.open(fileobj=io.BytesIO(z.read(tgz))).extractfile("package/.jsii").read()
    found = json.loads(text)
    version = re.search(r"providers/hashicorp/\w+/([0-9.]+)/docs", text.decode())
    return found["types"], version[1] if version else "?"


def spelled(prop):
    """The name in Terraform's spelling, as the binding's documentation has it."""
    doc = re.search(r"#(\w+) ", prop.get("docs", {}).get("remarks", ""))
    return doc[1] if doc else re.sub(r"([A-Z0-9]+)", r"_\1", prop["name"]).lower()


class Types:
    def __init__(self, types):
        self.types = types

    def kind(self, t):
        """("attribute", type) or ("block", struct, many) of a binding's type."""
        if "union" in t:
            members = [m for m in t["union"]["types"] if m.get("fqn") != "cdktf.IResolvable"]
            structs = [self.kind(m) for m in members]
            return next((s for s in structs if s[0] == "block"), structs[0])
        if "primitive" in t:
            return "attribute", {"boolean": "bool", "any": "dynamic"}.get(t["primitive"], t["primitive"])
        if "collection" in t:
            of, inner = t["collection"]["kind"], self.kind(t["collection"]["elementtype"])
            if inner[0] == "block":
                return "block", inner[1], True
            return "attribute", ["list" if of == "array" else "map", inner[1]]
        return "block", t["fqn"], False

    def properties(self, fqn):
        struct = self.types.get(fqn)
        return struct.get("properties", []) if struct else []

    def block(self, fqn, computed=(), deep=0):
        """The block that a struct describes. What nests without end is cut off, as the providers themselves do."""
        attributes, blocks = [], []
        for prop in self.properties(fqn):
            if prop["name"] in META and deep == 0:
                continue
            kind = self.kind(prop["type"])
            required = not prop.get("optional", False)
            if kind[0] == "attribute":
                attributes.append({"Name": spelled(prop), "Type": kind[1], "Required": required})
            elif deep < 8:
                inner = self.block(kind[1], deep=deep + 1)
                blocks.append({"Name": spelled(prop), "Min": int(required), "Max": 0 if kind[2] else 1, "Block": inner})
        given = {a["Name"] for a in attributes} | {b["Name"] for b in blocks}
        attributes += [{"Name": n, "Type": "string", "Computed": True} for n in computed if n not in given]
        return {"Attributes": attributes, "Blocks": blocks}

    def resource(self, module):
        """The resource whose configuration lies in a module of the bindings."""
        config = next((f for f in self.types if f.split(".")[1] == module and f.endswith("Config") and f.count(".") == 2), None)
        if not config:
            return None
        whole = self.types[config[: -len("Config")]]
        # What can be read and not be set is computed.
        reads = [p for p in whole.get("properties", []) if p.get("immutable") and not p.get("static")]
        computed = [spelled(p) for p in reads if p["type"].get("primitive") == "string" and not p["name"].endswith("Input")]
        return self.block(config, computed)


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def main(configuration, wheels, out):
    used = set(re.findall(r'^resource "([^"]+)"', open(configuration).read(), re.M))
    for wheel in sorted(glob.glob(f"{wheels}/*.whl")):
        provider = re.search(r"provider_(\w+?)-", wheel)[1]
        types, version = assembly(wheel)
        types = Types(types)
        own = next(f for f in types.types if re.fullmatch(rf"[^.]+\.provider\.{provider}ProviderConfig", f, re.I))
        resources = {}
        for name in sorted(u for u in used if u.startswith(provider + "_")):
            module = camel(name.split("_", 1)[1])
            resources[name] = types.resource(module) or sys.exit(f"{name}: no such resource in {provider} {version}")
        # A provider's credentials come from the environment as well: nothing but its blocks is required.
        block = types.block(own)
        for attribute in block["Attributes"]:
            attribute["Required"] = False
        json.dump({"Provider": block, "Resources": resources}, open(f"{out}/{provider}.json", "w"))
        count = sum(len(r["Attributes"]) + len(r["Blocks"]) for r in resources.values())
        print(f"schema of hashicorp/{provider} {version}: {len(resources)} resource types, {count} arguments and attributes")


main(*sys.argv[1:])
