#!/usr/bin/env bash
# Logs crane and skopeo in to the sandbox's Azure container registry with a refresh token, as `az acr login` leaves one, and has
# them read and copy the seeded package. Leaves their answers here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../sandbox/start.sh
source "$here/../../sandbox/start.sh"
need skopeo crane curl
[ -n "${GANGPLANK:-}" ] || build_dist
start_sandbox

registry=$(sed -n 's|.*"acr": "\([0-9.:]*\)".*|\1|p' "$work/sandbox/addresses.json")
repository=$(sed -n 's|.*PACKAGED_REPOSITORY: &str = "\(.*\)";|\1|p' "$root/sandbox/src/seed.rs")
export DOCKER_CONFIG=$work/docker REGISTRY_AUTH_FILE=$work/docker/config.json
mkdir -m 700 "$DOCKER_CONFIG"

refresh=$(curl -sS "http://$registry/oauth2/exchange" --data-urlencode grant_type=access_token \
  --data-urlencode "service=$registry" --data-urlencode "tenant=$AZURE_TENANT_ID" \
  --data-urlencode "access_token@$work/sandbox/az/registry.token" | sed -n 's|.*"refresh_token":"\([^"]*\)".*|\1|p')
nobody=00000000-0000-0000-0000-000000000000
crane auth login --username "$nobody" --password-stdin "$registry" <<<"$refresh" 2>"$work/login.txt"

digest=$(crane digest --insecure "$registry/$repository:latest")
{
  echo "\$ crane auth login REGISTRY"
  sed "s|$DOCKER_CONFIG|DOCKER_CONFIG|; s|^[0-9/]* [0-9:]* ||" "$work/login.txt"
  echo "\$ crane catalog REGISTRY"
  crane catalog --insecure "$registry"
  echo "\$ crane ls REGISTRY/REPOSITORY"
  crane ls --insecure "$registry/$repository"
  echo "\$ crane digest REGISTRY/REPOSITORY:latest"
  echo "$digest"
  echo "\$ crane validate --remote REGISTRY/REPOSITORY:latest"
  crane validate --insecure --remote "$registry/$repository:latest" 2>&1 | sed "s|$registry|REGISTRY|g"
  echo "\$ crane copy REGISTRY/REPOSITORY:latest REGISTRY/witness/copy:v1"
  crane copy --insecure "$registry/$repository:latest" "$registry/witness/copy:v1" >/dev/null 2>&1
  crane digest --insecure "$registry/witness/copy:v1"
  echo "\$ crane manifest REGISTRY/REPOSITORY:v9"
  crane manifest --insecure "$registry/$repository:v9" 2>&1 | sed "s|$registry|REGISTRY|g" || true
  echo "\$ crane delete REGISTRY/witness/copy@DIGEST"
  crane delete --insecure "$registry/witness/copy@$digest" && echo deleted
} >"$here/crane.txt"
skopeo inspect --tls-verify=false "docker://$registry/$repository:latest" | sed "s|$registry|REGISTRY|g" \
  >"$here/skopeo-inspect.json"
skopeo copy --src-tls-verify=false "docker://$registry/$repository@$digest" "dir:$work/copy" >/dev/null
skopeo copy --dest-tls-verify=false "dir:$work/copy" "docker://$registry/witness/skopeo:v1" >/dev/null
skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$registry/witness/skopeo:v1" >"$here/skopeo-copy.txt"
{
  skopeo --version
  echo "crane $(crane version)"
} >"$here/versions.txt"
cat "$here/crane.txt" "$here/skopeo-copy.txt"
