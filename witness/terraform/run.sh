#!/usr/bin/env bash
# Asks Terraform about harbour.tf, an export of the example bridge: is it formatted, is it valid. The schemas are the ones that
# HashiCorp published of its providers; a provider of our own serves them, since no others can be had without Terraform's
# registry. Needs terraform (or tofu), go, pip and python3.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
terraform=$(command -v terraform || command -v tofu)
providers="azuread azurerm google kubernetes"
mkdir "$work/bin" "$work/schemas" "$work/wheels" "$work/main"
cp harbour.tf "$work/main/main.tf"
# The newest bindings there are; HashiCorp generated them from the providers' schemas.
pip download --quiet --no-deps --dest "$work/wheels" cdktf-cdktf-provider-azuread==14.3.1 \
  cdktf-cdktf-provider-azurerm==14.23.1 cdktf-cdktf-provider-google==16.12.1 cdktf-cdktf-provider-kubernetes==12.1.1
(cd provider && go build -o "$work/provider" .)
{
  echo "provider_installation {"
  echo "  dev_overrides {"
  for name in $providers; do
    ln -s "$work/provider" "$work/bin/terraform-provider-$name"
    echo "    \"hashicorp/$name\" = \"$work/bin\""
  done
  echo "  }"
  echo "}"
} >"$work/terraformrc"
touch "$work/none"
export SCHEMA_DIR="$work/schemas" CHECKPOINT_DISABLE=1
# Heard to the end: who stops listening leaves the providers running.
validate() {
  TF_CLI_CONFIG_FILE="$work/terraformrc" "$terraform" -chdir="$work/main" validate -no-color >"$work/said" 2>&1 || true
  grep -m1 -o -e 'Success!.*' -e 'Error: .*' "$work/said" || echo "nothing that is understood"
}
# Whoever says yes must be able to say no: the same with one thing wrong.
wrongly() {
  sed "$1" harbour.tf >"$work/main/main.tf"
  echo "with $1: $(validate)"
}
{
  "$terraform" version -json 2>/dev/null | python3 -c 'import json,sys; print("terraform", json.load(sys.stdin)["terraform_version"])'
  TF_CLI_CONFIG_FILE="$work/none" "$terraform" fmt -check -diff harbour.tf
  echo "fmt: no difference"
  python3 schema.py harbour.tf "$work/wheels" "$work/schemas"
  echo "validate: $(validate)"
  wrongly 's/policy_types = /policy_kinds = /'
  wrongly 's/unique_id$/unique_number/'
  wrongly 's/^  role_definition_id .*//;s/^  scope .*//'
  wrongly 's/requested_access_token_version = 2/requested_access_token_version = "two"/'
  wrongly 's/google_service_account.gp_cellar.name/google_service_account.gp_celler.name/'
} | tee answers.txt
