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

# Waits for a line in a log and prints what the pattern's group caught.
caught() {
  local found
  for _ in $(seq 600); do
    found=$(sed -n "s|.*$2.*|\1|p" "$1" | head -n 1)
    if [ -n "$found" ]; then echo "$found"; return; fi
    sleep 0.1
  done
  echo "no $2 in $1" >&2
  return 1
}

# Starts GANGPLANK's sandbox in `$work/sandbox`, waits until it is up, and takes its environment.
start_sandbox() {
  "$GANGPLANK" sandbox --folder "$work/sandbox" >"$work/sandbox.log" 2>&1 &
  pids+=($!)
  caught "$work/sandbox.log" '\(both clouds are up\)' >/dev/null
  # shellcheck disable=SC1091
  source "$work/sandbox/env"
}

# Starts the command $1 (distribution's) as an empty registry of its own; its address is in `$registry` then.
start_registry() {
  local here
  here=$(mktemp -d "$work/registry-XXXX")
  cat >"$here/config.yml" <<YAML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $here}}
http: {addr: "127.0.0.1:0"}
YAML
  "$1" serve "$here/config.yml" >"$here/log" 2>&1 &
  pids+=($!)
  registry=$(caught "$here/log" 'listening on \(127[0-9.:]*\)')
}

# Sets the sandbox up and packs a model into `$registry`, with further arguments for `pack`; the image's name is in `$image` then.
pack_elsewhere() {
  "$GANGPLANK" apply >/dev/null 2>&1
  sed "s|^\( *registry: \).*|\1http://$registry|" "$work/sandbox/bridge.yaml" >"$work/sandbox/elsewhere.yaml"
  # shellcheck disable=SC2034
  image=$("$GANGPLANK" pack -f "$work/sandbox/elsewhere.yaml" breast-cancer:1 "$@" 2>/dev/null)
}
