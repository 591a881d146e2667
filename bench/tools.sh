# shellcheck shell=bash
# Sourced by the benchmarks that run others' tools: finds these, or builds them into a folder `$cache`. Versions are those that the
# kept figures are of. Gives `$here`, the folder of the script that sources it.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../sandbox/start.sh
source "$(dirname "${BASH_SOURCE[0]}")/../sandbox/start.sh"
cache=${GANGPLANK_BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gangplank-bench}
mkdir -p "$cache"
export PATH="$cache:$PATH"

# have NAME MODULE@VERSION: a program in Go.
have() {
  command -v "$1" >/dev/null || { need go; GOBIN="$cache" GOFLAGS=-buildvcs=false go install "$2"; }
}

need python3 openssl
have crane github.com/google/go-containerregistry/cmd/crane@v0.22.1
have oras oras.land/oras/cmd/oras@v1.3.6
[ -x "$cache/registry" ] || { need go; GOBIN="$cache" go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2; }
