"""A real control plane on loopback for as long as a `with` block lasts: etcd, kube-apiserver and, on wish, kube-controller-manager.

The binaries are looked for in the folder that KUBEBUILDER_ASSETS names (see build.sh), etcd there or on PATH. Needs openssl.
"""

import http.client
import json
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def binary(name):
    found = pathlib.Path(os.environ.get("KUBEBUILDER_ASSETS", ".")) / name
    path = str(found) if found.exists() else shutil.which(name)
    if not path:
        raise SystemExit(f"no {name}: set KUBEBUILDER_ASSETS to a folder that has it")
    return path


class ControlPlane:
    def __init__(self, controllers=""):
        self.controllers = controllers
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gangplank-kube-"))
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.running = []
        self.connection = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, name, *arguments):
        log = open(self.folder / f"{name}.log", "wb")
        self.running.append(subprocess.Popen([binary(name), *arguments], stdout=log, stderr=log, cwd=self.folder))

    def start(self):
        store, peer = free_port(), free_port()
        self.run("etcd", "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync",
                 "--listen-client-urls", f"http://127.0.0.1:{store}", "--advertise-client-urls", f"http://127.0.0.1:{store}",
                 "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                 "--initial-cluster", f"default=http://127.0.0.1:{peer}")
        key = self.folder / "accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        (self.folder / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n')
        self.run("kube-apiserver", f"--etcd-servers=http://127.0.0.1:{store}", f"--secure-port={self.port}",
                 "--bind-address=127.0.0.1", f"--cert-dir={self.folder}", "--authorization-mode=RBAC",
                 f"--token-auth-file={self.folder}/tokens.csv", "--service-cluster-ip-range=10.96.0.0/16",
                 "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-signing-key-file={key}",
                 f"--service-account-key-file={key}", "--endpoint-reconciler-type=none")
        self.wait(lambda: self.call("GET", "/readyz")[0] == 200, "the API server", 240)
        if self.controllers:
            config = self.folder / "kubeconfig"
            config.write_text(json.dumps({
                "apiVersion": "v1", "kind": "Config", "current-context": "it",
                "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{self.port}", "insecure-skip-tls-verify": True}}],
                "users": [{"name": "it", "user": {"token": self.token}}],
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]}))
            self.run("kube-controller-manager", f"--kubeconfig={config}", f"--controllers={self.controllers}",
                     "--leader-elect=false", "--bind-address=127.0.0.1", f"--secure-port={free_port()}", f"--cert-dir={self.folder}")

    def wait(self, done, what, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for process in self.running:
                if process.poll() is not None:
                    logs = {path.name: path.read_text(errors="replace")[-3000:] for path in self.folder.glob("*.log")}
                    raise SystemExit(f"{process.args[0]} ended: {json.dumps(logs, indent=1)}")
            try:
                if done():
                    return
            except OSError:
                self.connection = None
            time.sleep(0.1)
        raise SystemExit(f"waited in vain for {what}")

    def call(self, method, path, body=None, headers=None):
        """One request as the administrator: the status and the answer, JSON where it is."""
        if self.connection is None:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60)
        wanted = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})}
        try:
            self.connection.putrequest(method, path)
            for name, value in wanted.items():
                self.connection.putheader(name, value)
            sent = None if body is None else json.dumps(body).encode()
            self.connection.putheader("Content-Length", str(len(sent or b"")))
            self.connection.endheaders(sent)
            answer = self.connection.getresponse()
            text = answer.read()
        except http.client.HTTPException as error:
            self.connection = None
            raise OSError(str(error)) from error
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode(errors="replace")
