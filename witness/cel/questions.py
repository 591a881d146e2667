"""Questions about mapping expressions and conditions, as ask.go reads them: the same ones each time.

    python3 questions.py 4000 | go run . > answers.jsonl

Left out is what has no one answer: the order in which a map is gone through, and what cel-go and the conformance tests see
differently (docs/trust.md lists it)."""

import json
import random
import sys

TENANT = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10"
CLAIMS = [
    {  # Entra, version 2, an application
        "aud": "11111111-2222-3333-4444-555555555555", "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "iat": 1790000000, "nbf": 1790000000, "exp": 1790003600, "azp": "client-1", "azpacr": "1", "oid": "object-1",
        "roles": ["Harbour.Deployer", "Harbour.Reader"], "sub": "object-1", "tid": TENANT, "ver": "2.0", "idtyp": "app",
    },
    {  # Entra, version 1, a person
        "aud": ["api://harbour", "api://quay"], "iss": f"https://sts.windows.net/{TENANT}/", "iat": 1790000000,
        "exp": 1790003600, "appid": "client-2", "groups": ["group-a", "group-b"], "sub": "Ünï-αβγ", "tid": TENANT,
        "ver": "1.0", "upn": "ada@harbour.example", "email": "Ada@Harbour.example", "scp": "user_impersonation", "amr": ["pwd", "mfa"],
    },
    {  # GitHub
        "aud": "https://github.com/harbour", "iss": "https://token.actions.githubusercontent.com",
        "sub": "repo:harbour/quay:ref:refs/heads/main", "repository": "harbour/quay", "repository_owner": "harbour",
        "repository_id": "123456789", "ref": "refs/heads/main", "ref_protected": "true", "run_attempt": "1", "environment": None,
        "iat": 1790000000, "exp": 1790000300.5,
    },
    {  # Kubernetes
        "aud": ["https://iam.googleapis.com/x"], "iss": "https://oidc.cluster.example/1",
        "sub": "system:serviceaccount:ci:deployer", "iat": 1790000000, "exp": 1790003600,
        "kubernetes.io": {"namespace": "ci", "serviceaccount": {"name": "deployer", "uid": "u-1"}, "pod": {"name": "p"}},
    },
    {"sub": "", "aud": "a", "arn": "arn:aws:sts::123456789012:assumed-role/ec2-role/i-0abc", "account": "123456789012",
     "flags": [True, False], "numbers": [1, 2.5, -3], "nothing": None, "deep": {"a": {"b": ["c", {"d": "e"}]}}, "roles": []},
]
WORLDS = [
    {
        "assertion": claims,
        "google": {"subject": claims["sub"] or "none", "groups": claims.get("roles") or claims.get("groups") or []},
        "attribute": {"client_id": claims.get("azp", ""), "repository": claims.get("repository", "")},
    }
    for claims in CLAIMS
]
TEXTS = ["sub", "iss", "aud", "tid", "azp", "oid", "ver", "email", "upn", "repository", "ref", "arn", "absent", "environment", "scp"]
LISTS = ["roles", "groups", "aud", "amr", "flags", "numbers", "absent"]
NUMBERS = ["iat", "exp", "nbf", "absent"]
WORDS = ["", "a", "object-1", "harbour", "main", "/", ":", "-", "refs/heads/", "Harbour.Deployer", "group-a", "ï", "αβ", TENANT, "x.y", "1", "true", "12"]
TEMPLATES = ["repo:{owner}/", "{all}", "refs/heads/{branch}", "assumed-role/{role}/", "{a}{b}", "none", "https://{host}/", "ö{x}", "{x}:", "system:serviceaccount:{ns}:"]
PATTERNS = [r"^object-\d+$", r"^[a-z]+$", r"refs/(heads|tags)/.*", r"(?i)HARBOUR", r"^\w+$", r"\bmain\b", r"[^a-z]", r"a{2,3}", r"(", r"^repo:[^/]+/[^:]+:", r"^\S+@\S+$", r"(a|b)*c", r"\p{Greek}+", r"^[\w.-]+$", r"x*?y", r"^$", r"a**", r"[[:upper:]]", r"(?P<n>o)b"]

rng = random.Random(20261128)
pick = rng.choice


def chance(share):
    return rng.random() < share


def claim(names):
    """A claim of one of these names, mostly one that is there."""
    there = [name for name in names if name in Scope.claims]
    return pick(there) if there and chance(0.85) else pick(names)


def quote(word):
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"


def word():
    return quote(pick(WORDS))


class Scope:
    """Names that a macro binds, by what they are."""

    names: list[tuple[str, str]] = []
    claims: dict = {}


def bound(kind):
    names = [name for name, what in Scope.names if what == kind]
    return pick(names) if names and chance(0.6) else None


def over(kind, body):
    name = pick(["x", "y", "r", "g", "assertion"] if chance(0.05) else ["x", "y", "r", "g"])
    Scope.names.append((name, kind))
    made = body(name)
    Scope.names.pop()
    return name, made


def text(depth):
    if (name := bound("text")) is not None:
        return name
    if chance(0.02):
        return pick([number, boolean, texts, anything])(depth - 1)
    if depth <= 0:
        return pick([word(), f"assertion.{claim(TEXTS)}", f"assertion['{claim(TEXTS)}']", "google.subject", f"attribute.{pick(['client_id', 'repository', 'none'])}"])
    one = lambda: text(depth - 1)
    small = lambda: str(rng.randint(-1, 6))
    return pick([
        lambda: f"{one()} + {one()}",
        lambda: f"({boolean(depth - 1)} ? {one()} : {one()})",
        lambda: (lambda field: f"(has(assertion.{field}) ? assertion.{field} : {word()})")(claim(TEXTS)),
        lambda: f"{one()}.extract({quote(pick(TEMPLATES))})",
        lambda: f"{one()}.split({word()})[{rng.randint(0, 2)}]",
        lambda: f"{one()}.split({word()}, {rng.randint(-1, 3)}).join({word()})",
        lambda: f"{texts(depth - 1)}.join({pick(['', word()])})",
        lambda: f"{one()}.{pick(['lowerAscii', 'upperAscii', 'trim', 'reverse'])}()",
        lambda: f"{one()}.replace({word()}, {word()}{pick(['', ', 1', ', 0', ', -1'])})",
        lambda: f"{one()}.substring({small()}{pick(['', ', ' + small()])})",
        lambda: f"{one()}.charAt({small()})",
        lambda: f"string({pick([number, boolean, decimal, one_of_times, text])(depth - 1)})",
        lambda: f"{texts(depth - 1)}[{rng.randint(0, 3)}]",
        lambda: pick(["assertion.deep.a.b[0]", "assertion.deep.a.b[1].d", "assertion['kubernetes.io'].namespace", "assertion['kubernetes.io']['serviceaccount'].name", "assertion.deep.x.y"]),
        lambda: f"string(bytes({one()}))",
    ])()


def texts(depth):
    if chance(0.02):
        return pick([number, boolean, text])(depth - 1)
    if depth <= 0:
        return pick([f"assertion.{claim(LISTS)}", "google.groups", "[]", f"[{word()}, {word()}]", f"[{word()}]"])
    source = lambda: texts(depth - 1)
    field = claim(LISTS)

    def macro(name, body):
        made = source()
        variable, inner = over("text", lambda _: body(depth - 1))
        return f"{made}.{name}({variable}, {inner})"

    return pick([
        lambda: f"(has(assertion.{field}) ? assertion.{field} : [])",
        lambda: f"{source()} + {source()}",
        lambda: macro("map", text),
        lambda: macro("filter", boolean),
        lambda: macro("map", lambda d: f"{boolean(d)}, {text(d)}"),
        lambda: f"{text(depth - 1)}.split({word()}{pick(['', ', 2'])})",
        lambda: f"[{', '.join(text(depth - 1) for _ in range(rng.randint(0, 3)))}]",
        lambda: f"(type(assertion.{field}) == list ? assertion.{field} : [assertion.{field}])",
    ])()


def number(depth):
    if chance(0.02):
        return pick([text, boolean, decimal])(depth - 1)
    if depth <= 0:
        return pick(["0", "1", "-1", "42", "0x1F", "9223372036854775807", "-9223372036854775808", "7u", "18446744073709551615u"])
    one = lambda: number(depth - 1)
    return pick([
        lambda: f"{one()} {pick('+-*/%')} {one()}",
        lambda: f"size({pick([text, texts])(depth - 1)})",
        lambda: f"{pick([text, texts])(depth - 1)}.size()",
        lambda: f"{text(depth - 1)}.{pick(['indexOf', 'lastIndexOf'])}({word()})",
        lambda: f"-({one()})",
        lambda: f"{pick(['int', 'uint'])}({pick([text, decimal, number])(depth - 1)})",
        lambda: f"{one_of_times(depth - 1)}.{pick(['getFullYear', 'getMonth', 'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getHours', 'getMinutes', 'getSeconds'])}({pick(['', '', quote('+05:30'), quote('-02:00'), quote('UTC')])})",
        lambda: f"({boolean(depth - 1)} ? {one()} : {one()})",
    ])()


def decimal(depth):
    if depth <= 0:
        return pick([f"assertion.{claim(NUMBERS)}", "1.5", "-0.0", "1e300", ".25", "1790000000.0", "123456.75", "1e-7"])
    one = lambda: decimal(depth - 1)
    return pick([
        lambda: f"{one()} {pick('+-*/')} {one()}",
        lambda: f"double({pick([number, text])(depth - 1)})",
        lambda: f"-{one()}",
        lambda: f"{one()} - 1.0",
    ])()


def one_of_times(depth):
    moments = ["2026-01-31T23:59:59Z", "2024-02-29T12:00:00.25Z", "1969-12-31T00:00:00Z", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-01-31"]
    lengths = ["1h", "90m", "1.5s", "-36h", "100ms", "x", "1000000h", "1h2m3s", "3us"]
    moment = lambda: pick([f"timestamp({quote(pick(moments))})", f"timestamp(int({decimal(0)}))", "timestamp(1790000000)"])
    length = lambda: f"duration({quote(pick(lengths))})"
    if depth <= 0 or chance(0.5):
        return moment() if chance(0.7) else length()
    return pick([
        lambda: f"({moment()} {pick('+-')} {length()})",
        lambda: f"({moment()} - {moment()})",
        lambda: f"({length()} + {length()})",
    ])()


def boolean(depth):
    if chance(0.02):
        return pick([text, number, texts, anything])(depth - 1)
    if depth <= 0:
        field = claim(TEXTS + LISTS)
        return pick(["true", "false", f"has(assertion.{field})", f"assertion.{claim(TEXTS)} == {word()}", f"'{pick(WORDS)}' in google.groups", f"'{field}' in assertion"])
    one = lambda: boolean(depth - 1)

    def macro():
        made = texts(depth - 1)
        variable, inner = over("text", lambda _: one())
        return f"{made}.{pick(['exists', 'all', 'exists_one'])}({variable}, {inner})"

    same = lambda kind, operators: f"{kind(depth - 1)} {pick(operators)} {kind(depth - 1)}"
    return pick([
        lambda: f"{one()} && {one()}",
        lambda: f"{one()} || {one()}",
        lambda: f"({one()} && {one()}) || {one()}",
        lambda: f"!({one()})",
        lambda: same(text, ["==", "!=", "<", ">", "<=", ">="]),
        lambda: same(number, ["==", "!=", "<", ">", "<=", ">="]),
        lambda: same(decimal, ["==", "!=", "<", ">", "<=", ">="]),
        lambda: same(texts, ["==", "!="]),
        lambda: same(one_of_times, ["==", "!=", "<", ">="]),
        lambda: f"{decimal(0)} {pick(['==', '<', '>='])} {number(0)}",
        lambda: f"{text(depth - 1)} in {texts(depth - 1)}",
        lambda: f"{text(depth - 1)}.{pick(['startsWith', 'endsWith', 'contains'])}({text(depth - 1)})",
        lambda: f"{text(depth - 1)}.matches({quote(pick(PATTERNS))})",
        macro,
        macro,
        lambda: f"({one()} ? {one()} : {one()})",
        lambda: f"type({anything(depth - 1)}) == {pick(['string', 'list', 'map', 'bool', 'double', 'int', 'null_type'])}",
        lambda: f"{anything(depth - 1)} {pick(['==', '!='])} {anything(depth - 1)}",
        lambda: f"bool({text(depth - 1)})",
        lambda: f"dyn({anything(depth - 1)}) == {anything(depth - 1)}",
        lambda: f"has(assertion.deep.{pick(['a', 'x', 'a.b', 'x.y'])})",
    ])()


def anything(depth):
    if depth <= 0:
        return pick([
            "null", "1", "2u", "1.0", "true", "'a'", "b'a'", "[]", "[1, 'a']", "{}", "{'a': 1}", "{1: 'x', 2u: 'y'}", "{'k': [1]}.k[0]",
            "assertion", "assertion.deep", "assertion.nothing", "int", "type(1)", "assertion.numbers", "assertion.numbers[1]", "[1, 2][0.0]", "{1: 2}[1.0]", "b'\\xff'",
            "'\\u00e9\\x41\\n'", "r'\\d'", "\"\"\"it's\"\"\"",
        ])
    return pick([text, texts, number, decimal, boolean, one_of_times, lambda d: f"[{anything(d - 1)}, {anything(d - 1)}]", lambda d: f"{{{word()}: {anything(d - 1)}, 'z': {anything(d - 1)}}}"])(depth)


def main():
    print(json.dumps(WORLDS, ensure_ascii=False))
    asked = set()
    while len(asked) < int(sys.argv[1]):
        Scope.names = []
        kind = pick([text, text, texts, boolean, boolean, boolean, anything])
        world = rng.randrange(len(WORLDS))
        Scope.claims = CLAIMS[world]
        question = (world, kind(rng.choice([0, 1, 1, 2, 2, 3])))
        if len(question[1]) <= 260 and question not in asked:
            asked.add(question)
            print(json.dumps({"a": question[0], "e": question[1]}, ensure_ascii=False))


main()
