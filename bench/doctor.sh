#!/usr/bin/env bash
# Times 20 whole walks of `gangplank doctor` on a healthy sandbox, process and all. GANGPLANK names a built gangplank; without it,
# one is built in release. DOCTOR_RUNS asks for another number of walks.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
command -v python3 >/dev/null || { echo "python3 is needed" >&2; exit 2; }
if [ -z "${GANGPLANK:-}" ]; then
  (cd "$root" && cargo build --release --package gangplank)
  GANGPLANK=${CARGO_TARGET_DIR:-$root/target}/release/gangplank
fi
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
"$GANGPLANK" sandbox --folder "$work/sandbox" >"$work/sandbox.log" 2>&1 &
pids+=($!)
for _ in $(seq 600); do grep -q 'both clouds are up' "$work/sandbox.log" && break; sleep 0.1; done
# shellcheck disable=SC1091
source "$work/sandbox/env"
export HOME=$work/home XDG_CACHE_HOME=$work/caches
mkdir -p "$HOME"
"$GANGPLANK" apply >/dev/null 2>&1
python3 "$root/bench/doctor.py" "$GANGPLANK" "${DOCTOR_RUNS:-20}"
