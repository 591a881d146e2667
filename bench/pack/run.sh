#!/usr/bin/env bash
# Packs a model that lies in Azurite into a local registry with ours, and beside it by download with azure-storage-blob and then
# oras, crane or kit, in turns in one run. Finds or builds what it needs in a cache folder; GANGPLANK and GANGPLANK_SCORER name built ones of ours.
# Arguments go to run.py (--help).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${GANGPLANK_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gangplank-bench}
mkdir -p "$cache"
for tool in python3 openssl go npm; do command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 2; }; done
export PATH="$cache:$PATH"
have() { command -v "$1" >/dev/null || GOBIN="$cache" GOFLAGS=-buildvcs=false go install "$2"; }
have crane github.com/google/go-containerregistry/cmd/crane@v0.22.1
have oras oras.land/oras/cmd/oras@latest
command -v kitops >/dev/null || GOBIN="$cache" GOFLAGS=-buildvcs=false go install github.com/kitops-ml/kitops@latest ||
  echo "kit is left out: it cannot be built here" >&2
[ -x "$cache/registry" ] || GOBIN="$cache" go install github.com/distribution/distribution/v3/cmd/registry@latest
[ -x "$cache/azurite/node_modules/.bin/azurite-blob" ] ||
  npm install --silent --no-audit --no-fund --prefix "$cache/azurite" azurite@3.37.0
[ -x "$cache/venv/bin/python" ] || { python3 -m venv "$cache/venv" && "$cache/venv/bin/pip" --quiet install azure-storage-blob; }
if [ -z "${GANGPLANK:-}" ]; then
  mapfile -t built < <(cd "$root" && cargo xtask dist)
  GANGPLANK=${built[0]} GANGPLANK_SCORER=${built[1]}
fi
export GANGPLANK_SCORER
exec python3 "$here/run.py" --gangplank "$GANGPLANK" --registry "$cache/registry" \
  --azurite "$cache/azurite/node_modules/.bin/azurite-blob" --python "$cache/venv/bin/python" "$@"
