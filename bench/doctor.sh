#!/usr/bin/env bash
# Times 20 whole walks of `gangplank doctor` on a healthy sandbox, process and all. GANGPLANK names a built gangplank; without it,
# one is built in release. DOCTOR_RUNS asks for another number of walks.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../sandbox/start.sh
source "$(dirname "$0")/../sandbox/start.sh"
need python3
[ -n "${GANGPLANK:-}" ] || build_release
start_sandbox
export HOME=$work/home XDG_CACHE_HOME=$work/caches
mkdir -p "$HOME"
"$GANGPLANK" apply >/dev/null 2>&1
python3 "$root/bench/doctor.py" "$GANGPLANK" "${DOCTOR_RUNS:-20}"
