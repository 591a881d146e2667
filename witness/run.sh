#!/usr/bin/env bash
# Asks the official clients of the named families (folders beside; all of them by default) about a fresh sandbox and leaves
# answers and transcripts in their folders. GANGPLANK names a built gangplank; without it, one is built. Installs what it needs into a scratch folder (WITNESS_SCRATCH keeps it).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
scratch=${WITNESS_SCRATCH:-$(mktemp -d)}
mkdir -p "$scratch"
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  if [ -z "${WITNESS_SCRATCH:-}" ]; then rm -rf "$scratch"; fi
}
trap finish EXIT

if [ -z "${GANGPLANK:-}" ]; then
  (cd "$root" && cargo build --workspace --bin gangplank)
  GANGPLANK=$(cd "$root" && cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/gangplank
fi

# Runs the family's script with its packages, in a sandbox of its own.
family() {
  local name=$1 folder="$here/$1" work
  work=$(mktemp -d "$scratch/$name.XXXXXX")
  "$GANGPLANK" sandbox --folder "$work/sandbox" --transcript "$work/transcript" >"$work/log" 2>&1 &
  pids+=($!)
  for _ in $(seq 600); do grep -q 'both clouds are up' "$work/log" && break; sleep 0.1; done
  if [ -f "$folder/requirements.txt" ]; then
    [ -d "$scratch/$name" ] || python3 -m venv "$scratch/$name"
    "$scratch/$name/bin/pip" install --quiet --requirement "$folder/requirements.txt"
  elif [ -f "$folder/ask.py" ]; then
    mkdir -p "$scratch/$name/bin" && ln -sf "$(command -v python3)" "$scratch/$name/bin/python"
  elif [ -f "$folder/package.json" ]; then
    mkdir -p "$scratch/$name"
    cp "$folder/package.json" "$scratch/$name/"
    (cd "$scratch/$name" && npm install --silent --no-audit --no-fund)
  fi
  (
    # shellcheck disable=SC1091
    source "$work/sandbox/env"
    export WITNESS_SANDBOX="$work/sandbox" WITNESS_PACKAGES="$scratch/$name" WITNESS_WORK="$work" HOME="$work"
    export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1
    if [ -f "$folder/ask.py" ]; then "$scratch/$name/bin/python" "$folder/ask.py"
    elif [ -f "$folder/ask.mjs" ]; then
      cp "$folder/ask.mjs" "$scratch/$name/" && cd "$scratch/$name"
      NODE_EXTRA_CA_CERTS="$work/sandbox/ca.pem" node ask.mjs "$folder"
    else bash "$folder/ask.sh"; fi
  )
  kill "${pids[-1]}"
  wait "${pids[-1]}" || true
  unset 'pids[-1]'
  cp "$work/transcript" "$folder/transcript.jsonl"
  rm -rf "$work"
}

if [ $# -eq 0 ]; then set -- azure-python google-python javascript tools distribution; fi
for name in "$@"; do family "$name"; done
