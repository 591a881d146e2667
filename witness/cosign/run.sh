#!/usr/bin/env bash
# Has cosign sign images in a registry in each of its ways, asks it which of them verify with which key, and keeps what the
# registry then has: our own reading of it must come to the same verdicts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../sandbox/start.sh
source "$here/../../sandbox/start.sh"
need cosign crane registry python3
export COSIGN_PASSWORD='' HOME=$work
start_registry registry
base=$registry/base

(cd "$work" && cosign generate-key-pair 2>/dev/null && mv cosign.key ours.key && mv cosign.pub ours.pub)
(cd "$work" && cosign generate-key-pair 2>/dev/null && mv cosign.key other.key && mv cosign.pub other.pub)

# An image of one file.
image() {
  echo "$1" >"$work/file"
  tar -C "$work" --mtime @0 --owner 0 --group 0 -cf "$work/layer.tar" file
  crane append --insecure --oci-empty-base --new_layer "$work/layer.tar" --new_tag "$base:$1" >/dev/null 2>&1
}
named() { echo "$base@$(crane digest --insecure "$base:$1")"; }
quiet="--allow-insecure-registry --allow-http-registry --tlog-upload=false --yes"
# shellcheck disable=SC2086
sign() { cosign sign $quiet --key "$work/$2.key" "${@:3}" "$(named "$1")" >/dev/null 2>"$work/said" || { cat "$work/said" >&2; return 1; }; }

for name in unsigned tagged bundled both twice others attested moved; do image "$name"; done
sign tagged ours
sign bundled ours --new-bundle-format
sign both ours
sign both ours --new-bundle-format
sign twice other
sign twice ours
sign others other
echo '{}' >"$work/predicate.json"
# shellcheck disable=SC2086
cosign attest $quiet --new-bundle-format --key "$work/ours.key" --type custom --predicate "$work/predicate.json" "$(named attested)" \
  >/dev/null 2>&1
# Somebody puts the signature of one image beside another.
tag() { echo "$(crane digest --insecure "$base:$1" | tr : -).sig"; }
crane copy --insecure "$base:$(tag tagged)" "$base:$(tag moved)" >/dev/null 2>&1

# A root of trust that trusts nobody: keys alone count, and nothing is fetched.
echo '{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}' >"$work/root.json"
# Does one of cosign's two ways of looking find a signature by the key?
verifies() {
  for way in "--new-bundle-format=false" "--new-bundle-format=true --trusted-root $work/root.json"; do
    # shellcheck disable=SC2086
    if cosign verify $way --key "$work/$2.pub" --insecure-ignore-tlog=true --allow-insecure-registry --allow-http-registry \
      "$(named "$1")" >/dev/null 2>"$work/why"; then
      echo true
      return
    fi
  done
  echo false
}
{
  echo "image key verifies"
  for name in unsigned tagged bundled both twice others attested moved; do
    for key in ours other; do echo "$name $key $(verifies "$name" "$key")"; done
  done
} >"$here/verdicts.txt"

python3 "$here/store.py" "$registry" base >"$here/store.json"
cp "$work/ours.pub" "$work/other.pub" "$here/"
{
  cosign version 2>/dev/null | sed -n 's/^GitVersion: */cosign /p'
  echo "crane $(crane version)"
  registry --version | sed 's/^[^ ]* /registry /; s/github.com[^ ]* //'
} >"$here/versions.txt"
cat "$here/verdicts.txt"
