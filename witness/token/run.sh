#!/usr/bin/env bash
# Lets kubectl, docker, podman, skopeo, crane and Google's Python library log in to the sandbox by `gangplank token`, and leaves what
# they say here. GANGPLANK names a built gangplank; without it, one is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../sandbox/start.sh
source "$here/../../sandbox/start.sh"
need kubectl docker podman skopeo crane python3 curl
[ -n "${GANGPLANK:-}" ] || build_dist
start_sandbox

administrator=$KUBECONFIG
unset KUBECONFIG
export HOME=$work/home XDG_CACHE_HOME=$work/caches
mkdir -p "$HOME/.docker"
"$GANGPLANK" apply --kubeconfig "$administrator" >/dev/null 2>&1
image=$("$GANGPLANK" pack breast-cancer:1 2>/dev/null)
registry=${image%%/*}
"$GANGPLANK" token install --dir "$work/bin" -f "$work/sandbox/bridge.yaml" 2>/dev/null
# From here on the tools know the bridge file by the names alone.
unset GANGPLANK_FILE
export PATH=$work/bin:$PATH
cd /

# kubectl
server=$(sed -n 's/.*"server": "\([^"]*\)".*/\1/p' "$administrator")
authority=$(sed -n 's/.*"certificate-authority-data": "\([^"]*\)".*/\1/p' "$administrator")
cat >"$work/kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: ship, cluster: {server: "$server", certificate-authority-data: $authority}}]
contexts: [{name: ship, context: {cluster: ship, user: gangplank, namespace: team-oncology}}]
current-context: ship
users:
- name: gangplank
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: kubectl-gangplank_token
      args: [--team, oncology]
      interactiveMode: Never
YAML
export KUBECONFIG=$work/kubeconfig
kubectl auth whoami -o json | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["status"], indent=2))' \
  >"$here/kubectl-whoami.json"
kubectl get deployments,services,pods >"$here/kubectl-get.txt" 2>&1
kubectl auth can-i create deployments >"$here/kubectl-can.txt"
kubectl -n team-cellar get pods >>"$here/kubectl-can.txt" 2>&1 || echo "exit $?" >>"$here/kubectl-can.txt"
kubectl gangplank-token --team oncology | python3 -c \
  'import json, sys; it = json.load(sys.stdin); it["status"]["token"] = "TOKEN"; it["status"]["expirationTimestamp"] = "TIME"; print(json.dumps(it, indent=2))' \
  >"$here/kubectl-plugin.json"

# docker, podman, skopeo, crane: without the helper they are turned away, with it they are let in
plain() { sed "s|$registry|REGISTRY|g"; }
echo '{}' >"$HOME/.docker/config.json"
skopeo inspect --tls-verify=false "docker://$image" >/dev/null 2>&1 && { echo "no log-in was needed" >&2; exit 1; }
echo "{\"credHelpers\": {\"$registry\": \"gangplank\"}}" >"$HOME/.docker/config.json"
skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$image" >"$here/skopeo.txt"
crane digest --insecure "$image" >"$here/crane.txt"
docker manifest inspect --insecure "$image" >"$here/docker-manifest.json"
# podman keeps what it pulls in folders of this run, needs no daemon, and reads docker's file for the helper.
podman() {
  command podman --root "$work/images" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs --runtime runc "$@"
}
# It looks into HOME's file even beside one that is named.
mkdir -p "$work/nobody"
HOME=$work/nobody podman pull --quiet --tls-verify=false "$image" >/dev/null 2>&1 &&
  { echo "no log-in was needed" >&2; exit 1; }
podman pull --quiet --tls-verify=false "$image" >/dev/null
podman image inspect --format '{{.Digest}}' "$image" >"$here/podman.txt"
docker-credential-gangplank list | plain >"$here/docker-list.json"
printf 'https://index.docker.io/v1/' | docker-credential-gangplank get >"$here/docker-unknown.txt" 2>/dev/null || true

# Google's Python library
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet install 'google-auth[requests]==2.40.3'
export GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1
bridge=$work/sandbox/bridge.yaml
scope="api://$AZURE_TENANT_ID/gangplank-bridge/.default"
"$GANGPLANK" token plain -f "$bridge" --azure "$scope" | tr -d '\n' >"$work/entra.token"
# The name that was installed, so that no path of this run is in the answer.
export_config() { "$GANGPLANK" export cred-config -f "$bridge" "$@"; }
export_config --source executable >"$work/executable.json"
export_config --source executable --team oncology --lifetime 15m >"$work/executable-team.json"
export_config --source executable --output-file "$work/kept.json" >"$work/executable-kept.json"
export_config --source file --token-file "$work/entra.token" >"$work/file.json"
export_config --source file --token-file "$work/entra.token" --team oncology >"$work/file-team.json"
export_config --source instance-metadata >"$work/instance-metadata.json"
sed 's|providers/entra|providers/other|' "$work/executable.json" >"$work/other-provider.json"
"$work/venv/bin/python" "$here/ask.py" "$registry" "$work" >"$here/google-auth.json"

{
  kubectl version --client | sed -n 's/^Client Version: /kubectl /p'
  docker --version
  command podman --version
  skopeo --version
  echo "crane $(crane version)"
  "$work/venv/bin/pip" --quiet freeze | grep google-auth
} >"$here/versions.txt"
cat "$here"/*.txt "$here/google-auth.json"
