#!/usr/bin/env bash
# Copies images between two local registries with ours, skopeo, crane, regctl and oras, in turns in one run. Finds or builds what it
# needs (Go modules; skopeo from the distribution) in a cache folder; GANGPLANK names a built one of ours. Arguments go to run.py
# (--help); `--shrink 64 --rounds 1` tries the script.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$(dirname "$0")/../tools.sh"
have regctl github.com/regclient/regclient/cmd/regctl@v0.11.7
[ -x "$cache/shape" ] && [ "$cache/shape" -nt "$here/shape/main.go" ] || { need go; (cd "$here/shape" && go build -o "$cache/shape" .); }
command -v skopeo >/dev/null || { [ "$(id -u)" = 0 ] && apt-get install -y -qq skopeo >/dev/null; } ||
  echo "skopeo is left out: not installed" >&2
[ -n "${GANGPLANK:-}" ] || build_dist
python3 "$here/run.py" --gangplank "$GANGPLANK" --registry "$cache/registry" --shape "$cache/shape" "$@"
