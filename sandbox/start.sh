# shellcheck shell=bash
# For the scripts of `bench/` and `witness/` that want a sandbox. Sourced, it gives them `$root`, and a folder `$work` that goes when
# they end, as does every process in `pids`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

# Ends the script unless all of these tools are there.
need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "$tool is needed (see README.md)" >&2; exit 2; }
  done
}

# Builds gangplank in release.
build_release() {
  (cd "$root" && cargo build --release --package gangplank)
  GANGPLANK=${CARGO_TARGET_DIR:-$root/target}/release/gangplank
}

# Builds gangplank and the scorer as they are given out.
build_dist() {
  local built
  mapfile -t built < <(cd "$root" && cargo xtask dist)
  GANGPLANK=${built[0]}
  export GANGPLANK_SCORER=${built[1]}
}

# Starts GANGPLANK's sandbox in `$work/sandbox`, waits until it is up, and takes its environment.
start_sandbox() {
  "$GANGPLANK" sandbox --folder "$work/sandbox" >"$work/sandbox.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 600); do
    if grep -q 'both clouds are up' "$work/sandbox.log"; then
      # shellcheck disable=SC1091
      source "$work/sandbox/env"
      return
    fi
    sleep 0.1
  done
  echo "no sandbox came up" >&2
  return 1
}
