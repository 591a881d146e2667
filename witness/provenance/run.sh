#!/usr/bin/env bash
# Packs a model into a registry, signed with the sandbox's key in Cloud KMS, and asks others about what lies beside the image then:
# cosign whether the signatures hold, oras what there is, CycloneDX and in-toto whether the documents are well-formed.
# GANGPLANK and GANGPLANK_SCORER name built ones; without them, they are built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../sandbox/start.sh
source "$here/../../sandbox/start.sh"
need cosign crane oras registry curl python3
[ -n "${GANGPLANK:-}" ] || build_dist
start_registry registry
start_sandbox
"$GANGPLANK" apply >/dev/null 2>&1

# The key's owner lets the team sign, and gives away the public half.
kms=http://$(sed -n 's|.*"cloud_kms": "\([0-9.:]*\)".*|\1|p' "$work/sandbox/addresses.json")
key=projects/harbour-sandbox/locations/europe-west4/keyRings/gangplank/cryptoKeys/images
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/sandbox/adc.json" "$1"; }
token=$(curl -sS "$(field token_uri)" --data-urlencode grant_type=refresh_token --data-urlencode "client_id=$(field client_id)" \
  --data-urlencode "client_secret=$(field client_secret)" --data-urlencode "refresh_token=$(field refresh_token)" |
  sed -n 's|.*"access_token":"\([^"]*\)".*|\1|p')
asked() { curl -sS -H @- "$@" <<<"authorization: Bearer $token"; }
member=serviceAccount:gp-oncology@harbour-sandbox.iam.gserviceaccount.com
asked "$kms/v1/$key:setIamPolicy" -H 'content-type: application/json' >/dev/null \
  -d "{\"policy\": {\"bindings\": [{\"role\": \"roles/cloudkms.signer\", \"members\": [\"$member\"]}]}}"
asked "$kms/v1/$key/cryptoKeyVersions/1/publicKey" | python3 -c 'import json,sys; print(json.load(sys.stdin)["pem"], end="")' >"$work/images.pub"

pack_elsewhere --sign "gcpkms://$key/cryptoKeyVersions/1"

cd "$work"
export HOME=$work COSIGN_PASSWORD=''
cosign generate-key-pair >/dev/null 2>&1
open="--insecure-ignore-tlog=true --allow-insecure-registry --allow-http-registry"
shown() { sed "s|$registry|REGISTRY|g; s|[0-9a-f]\{64\}|DIGITS|g"; }
# The same inside of an envelope.
shown_inside() {
  python3 -c '
import base64, json, re, sys
for line in sys.stdin:
    envelope = json.loads(line)
    inside = base64.b64decode(envelope["payload"]).decode()
    inside = re.sub("[0-9a-f]{64}", "DIGITS", inside.replace(sys.argv[1], "REGISTRY"))
    envelope["payload"] = base64.b64encode(inside.encode()).decode()
    envelope["signatures"] = []
    print(json.dumps(envelope))' "$registry"
}
{
  echo "\$ cosign verify --key images.pub IMAGE"
  # shellcheck disable=SC2086
  cosign verify $open --key images.pub "$image" 2>"$work/said" | shown
  grep -v WARNING "$work/said" | shown
  echo "\$ cosign verify --key cosign.pub IMAGE"
  # shellcheck disable=SC2086
  cosign verify $open --key cosign.pub "$image" 2>&1 | grep -v WARNING | shown || true
  for type in cyclonedx slsaprovenance1; do
    for key in images.pub cosign.pub; do
      echo "\$ cosign verify-attestation --type $type --key $key IMAGE"
      # shellcheck disable=SC2086
      cosign verify-attestation $open --type "$type" --key "$key" "$image" 2>"$work/said" | shown_inside || true
      grep -v WARNING "$work/said" | shown
    done
  done
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
  cosign version 2>/dev/null | sed -n 's/^GitVersion: */cosign /p'
  oras version | sed -n 's/^Version: */oras /p'
  registry --version | sed 's/^[^ ]* /registry /; s/github.com[^ ]* //'
} >"$here/versions.txt"
cat "$here/answers.txt" "$here/documents.txt"
