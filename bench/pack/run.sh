#!/usr/bin/env bash
# Packs a model that lies in Azurite into a local registry with ours, and beside it by download with azure-storage-blob and then
# oras, crane or kit, in turns in one run. Finds or builds what it needs in a cache folder; GANGPLANK and GANGPLANK_SCORER name built ones of ours.
# Arguments go to run.py (--help); `--size 64 --rounds 1` tries the script.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$(dirname "$0")/../tools.sh"
need node
[ -x "$cache/kitops" ] || command -v kitops >/dev/null ||
  GOBIN="$cache" GOFLAGS=-buildvcs=false go install github.com/kitops-ml/kitops@latest 2>/dev/null ||
  echo "kit is left out: it cannot be built here" >&2
[ -x "$cache/azurite/node_modules/.bin/azurite-blob" ] ||
  { need npm; npm install --silent --no-audit --no-fund --prefix "$cache/azurite" azurite@3.37.0; }
[ -x "$cache/venv/bin/python" ] ||
  { python3 -m venv "$cache/venv" && "$cache/venv/bin/pip" --quiet install azure-storage-blob==12.31.1; }
[ -n "${GANGPLANK:-}" ] || build_dist
python3 "$here/run.py" --gangplank "$GANGPLANK" --registry "$cache/registry" \
  --azurite "$cache/azurite/node_modules/.bin/azurite-blob" --python "$cache/venv/bin/python" "$@"
