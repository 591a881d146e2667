"""Holds the documents beside an image against what their makers publish: CycloneDX's JSON schema, and the protocol buffers and
validators of the in-toto attestation framework. Prints a line for each, and for spoilt copies that have to be refused.

Arguments: the SBOM, the provenance.
"""

import copy
import importlib.metadata
import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement


def sbom(document):
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))


def provenance(document):
    try:
        Statement.copy_from_pb(json_format.ParseDict(document, statement_pb2.Statement())).validate()
        predicate = json_format.ParseDict(document["predicate"], provenance_pb2.Provenance())
        definition, details = predicate.build_definition, predicate.run_details
        assert definition.build_type and details.builder.id, "no build type or builder"
        for found in definition.resolved_dependencies:
            assert found.uri or found.digest or found.content, f"{found.name} is not told apart"
        return None
    except Exception as problem:
        return problem


def spoilt(document, *path, value=None):
    copied = copy.deepcopy(document)
    *way, last = path
    place = copied
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copied


def verdict(problem):
    return "valid" if problem is None else "refused"


def main(bom_path, statement_path):
    bom, statement = json.load(open(bom_path)), json.load(open(statement_path))
    for package in ("cyclonedx-python-lib", "in-toto-attestation"):
        print(f"# {package} {importlib.metadata.version(package)}")
    problem = sbom(bom)
    print("sbom", verdict(problem), "" if problem is None else problem)
    print("sbom with another type of component", verdict(sbom(spoilt(bom, "components", 0, "type", value="model"))))
    print("sbom with a hash of another kind", verdict(sbom(spoilt(bom, "components", 1, "hashes", 0, "alg", value="sha256"))))
    print("sbom with a key of its own", verdict(sbom(spoilt(bom, "gangplank", value=1))))
    problem = provenance(statement)
    print("provenance", verdict(problem), "" if problem is None else problem)
    print("provenance without a builder", verdict(provenance(spoilt(statement, "predicate", "runDetails", "builder", "id"))))
    print("provenance with a key of its own", verdict(provenance(spoilt(statement, "predicate", "gangplank", value=1))))
    print("provenance of nothing", verdict(provenance(spoilt(statement, "subject", value=[]))))


main(*sys.argv[1:])
