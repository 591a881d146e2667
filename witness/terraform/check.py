#!/usr/bin/env python3
"""Checks each resource of an exported Terraform file against the provider's schema, as the provider's CDK binding has it:
every argument is known, every required one is given, every nested block and its arguments are known."""
import ast, glob, re, sys, zipfile

def configs(wheel, module):
    z = zipfile.ZipFile(wheel)
    name = [n for n in z.namelist() if n.endswith(f"/{module}/__init__.py")]
    if not name:
        return None
    tree = ast.parse(z.read(name[0]).decode())
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for fn in node.body:
                if isinstance(fn, ast.FunctionDef) and fn.name == "__init__":
                    kw = fn.args.kwonlyargs
                    required = {a.arg for a, d in zip(kw, fn.args.kw_defaults) if d is None}
                    found[node.name] = ({a.arg for a in kw}, required)
    return found

META = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners"}

def blocks(text):
    """(type, name, {argument}, {block: {argument}}) of every resource."""
    for m in re.finditer(r'^resource "([^"]+)" "([^"]+)" \{\n(.*?)^\}', text, re.M | re.S):
        arguments, nested, inside = set(), {}, None
        for line in m[3].splitlines():
            if (a := re.match(r"^  ([a-z_]+)\s+= ", line)):
                arguments.add(a[1])
            elif (b := re.match(r"^  ([a-z_]+) \{$", line)):
                inside = b[1]; nested.setdefault(inside, set())
            elif inside and (a := re.match(r"^    ([a-z_]+)\s+= ", line)):
                nested[inside].add(a[1])
            elif line == "  }":
                inside = None
        yield m[1], m[2], arguments, nested

wheels = {re.search(r"provider_(\w+?)-", w)[1]: w for w in glob.glob(sys.argv[2] + "/*.whl")}
wrong = checked = 0
for kind, name, arguments, nested in blocks(open(sys.argv[1]).read()):
    provider, module = kind.split("_", 1)
    if provider not in wheels:
        continue
    found = configs(wheels[provider], kind.split("_", 1)[1]) or configs(wheels[provider], kind)
    if not found:
        print(f"{kind}: no such resource"); wrong += 1; continue
    config = next(c for c in found if c.endswith("Config"))
    known, required = found[config]
    known = known - META | {"depends_on"}
    given = arguments | set(nested)
    clean = {k.rstrip("_") for k in known}
    for a in sorted(given - clean): print(f"{kind}.{name}: unknown {a}"); wrong += 1
    for a in sorted({r.rstrip('_') for r in required} - given): print(f"{kind}.{name}: missing {a}"); wrong += 1
    stem = config[: -len("Config")]
    for block, inner in nested.items():
        cls = stem + "".join(p.capitalize() for p in block.split("_"))
        bk, br = found[cls]
        bk = {k.rstrip("_") for k in bk}
        for a in sorted(inner - bk): print(f"{kind}.{name}.{block}: unknown {a}"); wrong += 1
        for a in sorted(br - inner): print(f"{kind}.{name}.{block}: missing {a}"); wrong += 1
    checked += 1
print(f"{checked} resources checked, {wrong} wrong")
sys.exit(bool(wrong))
