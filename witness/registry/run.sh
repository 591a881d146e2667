#!/usr/bin/env bash
# Packs a model into Debian's docker-registry and copies it to another one, then asks skopeo, crane, oras and podman about both images,
# and lets podman run them. Leaves their answers here. GANGPLANK and GANGPLANK_SCORER name built ones; without them, they are built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../sandbox/start.sh
source "$here/../../sandbox/start.sh"
need docker-registry skopeo crane oras podman runc curl
[ -n "${GANGPLANK:-}" ] || build_dist
start_registry docker-registry
other=$registry
start_registry docker-registry
start_sandbox
pack_elsewhere
packed=$image
copied=$other/copied/breast-cancer@${packed#*@}
"$GANGPLANK" copy "$packed" "${copied%@*}:1" >/dev/null 2>&1

# podman keeps what it pulls in folders of this run and needs no daemon.
podman() {
  command podman --root "$work/images" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs --runtime "$here/runc.sh" "$@"
}

# The answer of an image to the model's sample, as podman runs it, in the file $2.
score() {
  podman pull --quiet --tls-verify=false "$1" >/dev/null
  podman run --rm --network host --env GANGPLANK_LISTEN=127.0.0.1:0 "$1" >"$work/$2.log" 2>&1 &
  pids+=($!)
  curl -sS -H 'content-type: application/json' --data-binary "@$root/sandbox/models/breast-cancer/sample.json" \
    "http://$(caught "$work/$2.log" 'listening on \(127[0-9.:]*\)')/score" >"$here/$2"
  podman rm --all --force --time 0 >/dev/null
}

said() { sed "s|$registry|PACKED|g; s|$other|COPIED|g; s|[0-9a-f]\{64\}|DIGITS|g"; }
for image in "$packed" "$copied"; do
  echo "\$ crane validate --remote $image"
  crane validate --insecure --remote "$image" 2>&1
  echo "\$ skopeo inspect --raw $image | sha256sum"
  digest=sha256:$(skopeo inspect --raw --tls-verify=false "docker://$image" | sha256sum | cut -d ' ' -f 1)
  if [ "$digest" = "${packed#*@}" ]; then echo "the digest that pack said"; else echo "another digest"; fi
  echo "\$ oras discover $image"
  oras discover --plain-http --format tree "$image"
done | said >"$here/answers.txt"
skopeo inspect --tls-verify=false "docker://$packed" | sed "s|$registry|REGISTRY|" >"$here/skopeo-inspect.json"
skopeo inspect --config --tls-verify=false "docker://$packed" >"$here/skopeo-config.json"
score "$packed" podman-packed.json
score "$copied" podman-copied.json

{
  docker-registry --version
  skopeo --version
  echo "crane $(crane version)"
  oras version | sed -n 's/^Version: */oras /p'
  command podman --version
  runc --version | head -n 1
} >"$here/versions.txt"
cat "$here/answers.txt" "$here/podman-packed.json"
