#!/usr/bin/env bash
# Times 200 warm answers of `gangplank token kubectl` against the sandbox, and of gke-gcloud-auth-plugin where it is installed, in
# turns in one run. GANGPLANK names a built gangplank; without it, one is built in release.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../sandbox/start.sh
source "$(dirname "$0")/../sandbox/start.sh"
need python3
[ -n "${GANGPLANK:-}" ] || build_release
start_sandbox
"$GANGPLANK" apply >/dev/null 2>&1
export HOME=$work/home XDG_CACHE_HOME=$work/caches
mkdir -p "$HOME/.kube"
export KUBERNETES_EXEC_INFO='{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}'
python3 "$root/bench/tokens.py" "$GANGPLANK"
