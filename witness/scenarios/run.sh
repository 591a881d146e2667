#!/usr/bin/env bash
# Runs the mends that the doctor prints for gcloud, kubectl and az by these tools themselves, each against a sandbox in the state of
# its scenario, and writes answers.json anew. GANGPLANK_SCENARIOS names a part of them. Needs gcloud, kubectl, Python 3.10 or newer;
# installs az into a scratch folder (WITNESS_SCRATCH keeps it) unless WITNESS_AZ names a folder that has it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for tool in gcloud kubectl python3; do
  command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 2; }
done
scratch=${WITNESS_SCRATCH:-$(mktemp -d)}
if [ -z "${WITNESS_SCRATCH:-}" ]; then trap 'rm -rf "$scratch"' EXIT; fi
if [ -z "${WITNESS_AZ:-}" ]; then
  [ -d "$scratch/az" ] || python3 -m venv "$scratch/az"
  "$scratch/az/bin/pip" install --quiet --requirement "$here/requirements.txt"
  WITNESS_AZ=$scratch/az/bin
fi
cd "$here/../.."
PATH="$WITNESS_AZ:$PATH" GANGPLANK_WITNESS=1 cargo test --workspace --test commands -- --ignored other_tools
