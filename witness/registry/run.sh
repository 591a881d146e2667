#!/usr/bin/env bash
# Pushes a packed model to Debian's docker-registry and asks skopeo, crane and chroot about it. Leaves their answers here.
# GANGPLANK and GANGPLANK_SCORER name built ones; without them, they are built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../sandbox/start.sh
source "$here/../../sandbox/start.sh"
need docker-registry skopeo crane curl chroot
[ -n "${GANGPLANK:-}" ] || build_dist
start_registry docker-registry
start_sandbox
pack_elsewhere

skopeo inspect --tls-verify=false "docker://$image" | sed "s|$registry|REGISTRY|" >"$here/skopeo-inspect.json"
skopeo inspect --config --tls-verify=false "docker://$image" >"$here/skopeo-config.json"
crane validate --insecure --remote "$image" 2>&1 | sed "s|$registry|REGISTRY|" >"$here/crane-validate.txt"

mkdir "$work/root"
crane export --insecure "$image" - | tar -x -C "$work/root"
mapfile -t environment < <(crane config --insecure "$image" | grep -o '"AZUREML_[A-Z_]*=[^"]*"' | tr -d '"')
env -i "${environment[@]}" GANGPLANK_LISTEN=127.0.0.1:0 \
  "$(command -v chroot)" --userspec=65532:65532 "$work/root" /usr/local/bin/gangplank-scorer 2>"$work/scorer.log" &
pids+=($!)
scorer=$(caught "$work/scorer.log" 'listening on \(127[0-9.:]*\)')
curl -sS -H 'content-type: application/json' --data-binary "@$root/sandbox/models/breast-cancer/sample.json" \
  "http://$scorer/score" >"$here/chroot-answer.json"

{
  docker-registry --version
  skopeo --version
  echo "crane $(crane version)"
} >"$here/versions.txt"
cat "$here/crane-validate.txt" "$here/chroot-answer.json"
