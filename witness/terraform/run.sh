#!/usr/bin/env bash
# Asks Terraform and the providers' schemas about harbour.tf, an export of the example bridge. Needs terraform (or tofu) and pip.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
terraform=$(command -v terraform || command -v tofu)
"$terraform" fmt -check -diff harbour.tf
# No registry is needed to read the configuration as a whole: `providers` loads every block and names what they need.
cp harbour.tf "$work/main.tf"
# Newest releases of the bindings that HashiCorp generates from the providers' schemas.
pip download --quiet --no-deps --dest "$work" \
  cdktf-cdktf-provider-azuread==14.3.1 cdktf-cdktf-provider-azurerm==14.23.1 cdktf-cdktf-provider-google==16.12.1
{
  "$terraform" version -json | python3 -c 'import json,sys; print("terraform", json.load(sys.stdin)["terraform_version"])'
  echo "fmt: no difference"
  "$terraform" -chdir="$work" providers 2>&1 | grep provider | sort
  ls "$work" | grep whl
  python3 check.py harbour.tf "$work"
} | tee answers.txt
