"""Asks official clients questions and keeps their answers: what the scripts of the folders beside share."""

import base64
import json
import os
import pathlib
import re
import sys
import traceback

ADDRESSES = json.loads((pathlib.Path(os.environ["WITNESS_SANDBOX"]) / "addresses.json").read_text())
FOLDER = pathlib.Path(os.environ["WITNESS_SANDBOX"])
ANSWERS = []


def at(service):
    """Where a service of the sandbox listens, as HOST:PORT."""
    return ADDRESSES[service]


def shell(name):
    """The variables that a file of shell lines in the sandbox's folder exports."""
    lines = (FOLDER / name).read_text()
    return dict(re.findall(r"^export (\w+)='([^']*)'", lines, re.M))


def claims(token):
    """Who a JSON web token is for, from and about; nothing of its signature."""
    part = token.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    kept = ("aud", "iss", "oid", "sub", "appid", "azp", "tid", "ver", "idtyp", "roles", "upn", "scp")
    return {name: found[name] for name in kept if name in found}


def refused(act, kind):
    """What `act` raises, which must be a `kind`: its class and its text."""
    try:
        answer = act()
    except kind as error:
        return {"refused": type(error).__name__, "says": str(error).strip().splitlines()[0]}
    raise AssertionError(f"expected a {kind}, got {answer}")


def package(name):
    """Name and version of an installed package."""
    import importlib.metadata

    return f"{name} {importlib.metadata.version(name)}"


def ask(client, question, act):
    """Asks one question; any exception ends the run, since then the client did not take the sandbox for its cloud."""
    print(f"{client}: {question}", file=sys.stderr)
    answer = scrubbed(json.loads(json.dumps(act(), default=str)))
    ANSWERS.append({"client": client, "question": question, "answer": answer})
    return answer


def scrubbed(value):
    """The same without what differs from run to run."""
    if isinstance(value, dict):
        return {name: scrubbed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(inner) for inner in value]
    if not isinstance(value, str):
        return value
    for service, address in ADDRESSES.items():
        value = value.replace(address, "${address:%s}" % service)
    value = value.replace(str(FOLDER), "${folder}")
    value = re.sub(r"(?<=Trace ID: |ation ID: )[0-9a-f-]{36}", "${any}", value)
    return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", "${time}", value)


def every(script, *sections):
    """Runs all sections, leaves the answers beside the script, and fails if any section failed."""
    failed = []
    for section in sections:
        try:
            section()
        except Exception:
            traceback.print_exc()
            failed.append(section.__name__)
    place = pathlib.Path(script).parent / "answers.json"
    place.write_text(json.dumps(ANSWERS, indent=1, ensure_ascii=False) + "\n")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
