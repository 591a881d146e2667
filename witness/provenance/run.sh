#!/usr/bin/env bash
# Packs a model into a registry and asks others about what lies beside the image then: oras what there is, CycloneDX and in-toto
# whether the documents are well-formed.
# GANGPLANK and GANGPLANK_SCORER name built ones; without them, they are built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../sandbox/start.sh
source "$here/../../sandbox/start.sh"
need crane oras registry python3
[ -n "${GANGPLANK:-}" ] || build_dist
start_registry registry
start_sandbox
pack_elsewhere

cd "$work"
shown() { sed "s|$registry|REGISTRY|g; s|[0-9a-f]\{64\}|DIGITS|g"; }
{
  echo "\$ oras discover --format tree IMAGE"
  oras discover --plain-http --format tree "$image" | shown
} >"$here/answers.txt"

layer() { # the document of a kind
  digest=$(oras discover --plain-http --format json --artifact-type "$1" "$image" | sed -n 's|.*"digest": "\(sha256:[0-9a-f]*\)".*|\1|p' | tail -n 1)
  crane blob --insecure "${image%@*}@$(crane manifest --insecure "${image%@*}@$digest" |
    python3 -c 'import json,sys; print(json.load(sys.stdin)["layers"][0]["digest"])')"
}
layer application/vnd.cyclonedx+json >"$work/sbom.cdx.json"
layer application/vnd.in-toto+json >"$work/provenance.intoto.json"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install 'cyclonedx-python-lib[json-validation]' in-toto-attestation
"$work/venv/bin/python" "$here/documents.py" "$work/sbom.cdx.json" "$work/provenance.intoto.json" >"$here/documents.txt"
for document in sbom.cdx.json provenance.intoto.json; do
  sed "s|$registry|REGISTRY|g" "$work/$document" >"$here/$document"
done
{
  oras version | sed -n 's/^Version: */oras /p'
  registry --version | sed 's/^[^ ]* /registry /; s/github.com[^ ]* //'
} >"$here/versions.txt"
cat "$here/answers.txt" "$here/documents.txt"
