#!/usr/bin/env bash
# Builds kube-apiserver and kube-controller-manager into the folder that KUBEBUILDER_ASSETS names (envtest's convention).
# Slow once (about a quarter of an hour on two cores); whoever has envtest's binaries needs only the controller-manager.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${KUBEBUILDER_ASSETS:?name the folder for the binaries in KUBEBUILDER_ASSETS}
version=$(cd "$here" && go list -mod=mod -m -f '{{.Version}}' k8s.io/kubernetes)
stamp="-X k8s.io/component-base/version.gitVersion=$version"
mkdir -p "$out"
cd "$here"
for program in kube-apiserver kube-controller-manager; do
  CGO_ENABLED=0 go build -mod=mod -ldflags="-s -w $stamp" -o "$out/$program" "./$program"
done
