#!/usr/bin/env bash
# Copies images between two registries with ours, skopeo, crane, regctl and oras, in turns in one run. Finds or builds what it
# needs (Go modules; skopeo from the distribution) in a cache folder. Arguments go to run.py (--help).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${GANGPLANK_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gangplank-bench}
mkdir -p "$cache"
for tool in python3 openssl go; do command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 2; }; done
export PATH="$cache:$PATH"
have() { command -v "$1" >/dev/null || GOBIN="$cache" GOFLAGS=-buildvcs=false go install "$2"; }
have crane github.com/google/go-containerregistry/cmd/crane@v0.22.1
have regctl github.com/regclient/regclient/cmd/regctl@latest
have oras oras.land/oras/cmd/oras@latest
[ -x "$cache/registry" ] || GOBIN="$cache" go install github.com/distribution/distribution/v3/cmd/registry@latest
[ -x "$cache/shape" ] && [ "$cache/shape" -nt "$here/shape/main.go" ] || (cd "$here/shape" && go build -o "$cache/shape" .)
command -v skopeo >/dev/null || { [ "$(id -u)" = 0 ] && apt-get install -y -qq skopeo >/dev/null; } || echo "skopeo is left out: not installed" >&2
target=${CARGO_TARGET_DIR:-$root/target}
(cd "$root" && cargo build --quiet --release --package gangplank-oci --example copy)
exec python3 "$here/run.py" --ours "$target/release/examples/copy" --registry "$cache/registry" --shape "$cache/shape" "$@"
