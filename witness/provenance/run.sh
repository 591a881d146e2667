#!/usr/bin/env bash
# Packs a model into a registry and asks others about what lies beside the image then: oras what there is, CycloneDX and in-toto
# whether the documents are well-formed.
# GANGPLANK and GANGPLANK_SCORER name built ones; without them, they are built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
for tool in crane oras registry python3; do
  command -v "$tool" >/dev/null || { echo "$tool is needed, see witness/README.md" >&2; exit 2; }
done
if [ -z "${GANGPLANK:-}" ]; then
  mapfile -t built < <(cd "$root" && cargo xtask dist)
  GANGPLANK=${built[0]} GANGPLANK_SCORER=${built[1]}
fi
export GANGPLANK_SCORER
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

# Waits for a line in a log and prints what the pattern's group caught.
caught() {
  for _ in $(seq 400); do
    found=$(sed -n "s|.*$2.*|\1|p" "$1" | head -n 1)
    if [ -n "$found" ]; then echo "$found"; return; fi
    sleep 0.05
  done
  echo "no $2 in $1" >&2
  return 1
}

mkdir "$work/blobs"
cat >"$work/registry.yml" <<YAML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $work/blobs}}
http: {addr: "127.0.0.1:0"}
YAML
registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
pids+=($!)
registry=$(caught "$work/registry.log" 'listening on \(127[0-9.:]*\)')
"$GANGPLANK" sandbox --folder "$work/sandbox" >"$work/sandbox.log" 2>&1 &
pids+=($!)
caught "$work/sandbox.log" '\(both clouds are up\)' >/dev/null
# shellcheck disable=SC1091
source "$work/sandbox/env"
"$GANGPLANK" apply >/dev/null 2>&1

sed "s|^\( *registry: \).*|\1http://$registry|" "$work/sandbox/bridge.yaml" >"$work/sandbox/elsewhere.yaml"
image=$("$GANGPLANK" pack -f "$work/sandbox/elsewhere.yaml" breast-cancer:1 2>/dev/null)

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
