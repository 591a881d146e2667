#!/usr/bin/env bash
# runc for podman, without the resource limits that podman asks for: root in a container or a small virtual machine often may not set them.
set -euo pipefail
bundle=
before=
for word in "$@"; do
  case $before in -b | --bundle) bundle=$word ;; esac
  before=$word
done
if [ -n "$bundle" ]; then
  python3 - "$bundle/config.json" <<'PY'
import json, sys
with open(sys.argv[1]) as file:
    config = json.load(file)
config["process"].pop("rlimits", None)
with open(sys.argv[1], "w") as file:
    json.dump(config, file)
PY
fi
exec runc "$@"
