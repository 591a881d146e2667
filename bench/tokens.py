"""Runs each tool 200 times, in turns, and prints median and p99 of a warm answer in milliseconds, and their ratio."""

import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

RUNS = 200


def plugin():
    """gke-gcloud-auth-plugin with its own cache primed: a token that is valid for an hour, as it would have written it itself.
    It keeps it beside the kubeconfig and takes it if the current context and the extra arguments are the same."""
    command = shutil.which("gke-gcloud-auth-plugin")
    if command is None:
        return None
    home = pathlib.Path(os.environ["HOME"])
    kubeconfig = home / ".kube/config"
    context = "gke_harbour-sandbox_europe-west4_ship"
    kubeconfig.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": context}))
    os.environ["KUBECONFIG"] = str(kubeconfig)
    expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    cache = {
        "current_context": context,
        "access_token": "ya29.primed",
        "token_expiry": expiry.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "extra_args": "",
    }
    (home / ".kube/gke_gcloud_auth_plugin_cache").write_text(json.dumps(cache))
    first = subprocess.run([command], capture_output=True, text=True, check=False)
    if "ya29.primed" not in first.stdout:
        print(f"gke-gcloud-auth-plugin does not take its primed cache and is left out: {first.stderr.strip()}", file=sys.stderr)
        return None
    return [command]


def timed(command):
    began = time.perf_counter()
    answer = subprocess.run(command, capture_output=True, check=True)
    took = (time.perf_counter() - began) * 1000
    assert json.loads(answer.stdout)["kind"] == "ExecCredential"
    return took


tools = {"gangplank token kubectl": [sys.argv[1], "token", "kubectl", "--team", "oncology"]}
timed(tools["gangplank token kubectl"])
other = plugin()
if other:
    tools["gke-gcloud-auth-plugin"] = other
tools["true (starting a process)"] = ["/bin/sh", "-c", 'echo \'{"kind":"ExecCredential"}\'']
times = {name: [] for name in tools}
for _ in range(RUNS):
    for name, command in tools.items():
        times[name].append(timed(command))
medians = {}
for name, found in times.items():
    medians[name] = statistics.median(found)
    print(f"{name}: median {medians[name]:.1f} ms, p99 {sorted(found)[int(RUNS * 0.99) - 1]:.1f} ms over {RUNS} calls")
if other:
    ratio = medians["gke-gcloud-auth-plugin"] / medians["gangplank token kubectl"]
    print(f"ratio of the medians, gke-gcloud-auth-plugin to gangplank: {ratio:.2f}")
