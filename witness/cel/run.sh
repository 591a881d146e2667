#!/usr/bin/env bash
# Asks anew about CEL: takes the conformance tests out of their npm package, and puts the questions to cel-go. Needs node, npm,
# python3 and Go; installs the rest into a scratch folder. What changed shows in `git diff`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(
  cd "$scratch"
  npm init -y >/dev/null
  npm install --silent --no-audit --no-fund @bufbuild/cel-spec@0.6.1
  node "$here/conformance.mjs" >"$here/conformance.jsonl"
)
python3 "$here/questions.py" 5000 >"$scratch/questions.jsonl"
(cd "$here/ask" && go build -o "$scratch/ask" .)
{
  head -n 1 "$scratch/questions.jsonl"
  "$scratch/ask" <"$scratch/questions.jsonl"
} >"$here/answers.jsonl"
{
  go version | cut -d' ' -f3
  (cd "$here/ask" && go list -m github.com/google/cel-go)
  echo "@bufbuild/cel-spec 0.6.1 (google/cel-spec v0.25.1), Apache-2.0"
} >"$here/versions.txt"
