#!/usr/bin/env bash
# Times 200 warm answers of `gangplank token kubectl` against the sandbox, and of gke-gcloud-auth-plugin where it is installed, in
# turns in one run. GANGPLANK names a built gangplank; without it, one is built in release.
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
"$GANGPLANK" apply >/dev/null 2>&1
export HOME=$work/home XDG_CACHE_HOME=$work/caches
mkdir -p "$HOME/.kube"
export KUBERNETES_EXEC_INFO='{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}'
python3 "$root/bench/token.py" "$GANGPLANK"
