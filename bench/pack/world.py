"""Azurite, a registry, the sandbox for everything else, and a token service between that makes the one token that Azurite takes."""
import base64, hashlib, http.server, json, os, re, socket, ssl, subprocess, sys, threading, time, urllib.error, urllib.request

ACCOUNT, CONTAINER = "quaystore", "azureml-blobstore-quay"
KEY = base64.b64encode(b"the key of the bench's own account, nobody else's").decode()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait(port, child):
    for _ in range(600):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        if child and child.poll() is not None:
            break
        time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


class Counter:
    """A TCP proxy that counts what passes."""

    def __init__(self, target):
        self.target, self.bytes, self.lock = target, 0, threading.Lock()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.server.accept()
            far = socket.create_connection(("127.0.0.1", self.target))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while piece := one.recv(1 << 18):
                with self.lock:
                    self.bytes += len(piece)
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class World:
    """`folder` is the client's; the registry and Azurite keep their bytes in `stores`."""

    def __init__(self, arguments, folder, stores):
        self.arguments, self.folder, self.stores, self.children = arguments, folder, stores, []

    def build(self):
        self.certificates()
        self.registry = self.start_registry()
        self.blob = self.start_azurite()
        self.start_sandbox()
        self.entra = self.start_entra()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def images(self):
        return os.path.join(self.stores, "images")

    def certificates(self):
        run = lambda *words: subprocess.run(words, check=True, cwd=self.folder, capture_output=True)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        run("openssl", "req", "-x509", *curve, "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=bench")
        run("openssl", "req", *curve, "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=localhost")
        with open(self.path("ext"), "w") as out:
            out.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        run("openssl", "x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "tls.pem", "-extfile", "ext")

    def start(self, name, command, **environment):
        with open(self.path(name + ".log"), "wb") as out:
            child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **environment})
        self.children.append(child)
        return child

    def start_registry(self):
        port = free_port()
        with open(self.path("registry.yml"), "w") as out:
            out.write(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {self.images()}}}}}\n"
                      f"http:\n  addr: 127.0.0.1:{port}\n  relativeurls: true\n  secret: bench\n"
                      f"  tls: {{certificate: {self.path('tls.pem')}, key: {self.path('tls.key')}}}\n")
        child = self.start("registry", [self.arguments.registry, "serve", self.path("registry.yml")], OTEL_TRACES_EXPORTER="none")
        wait(port, child)
        return port

    def start_azurite(self):
        port = free_port()
        child = self.start("azurite", [self.arguments.azurite, "--silent", "--location", os.path.join(self.stores, "blobs"), "--blobPort", str(port),
                                       "--cert", self.path("tls.pem"), "--key", self.path("tls.key"), "--oauth", "basic",
                                       "--skipApiVersionCheck", "--disableTelemetry"], AZURITE_ACCOUNTS=f"{ACCOUNT}:{KEY}")
        wait(port, child)
        return port

    def start_sandbox(self):
        child = self.start("sandbox", [self.arguments.gangplank, "sandbox", "--folder", self.path("sandbox")])
        for _ in range(600):
            with open(self.path("sandbox.log")) as log:
                if "both clouds are up" in log.read():
                    break
            if child.poll() is not None:
                sys.exit("the sandbox ended: " + open(self.path("sandbox.log")).read())
            time.sleep(0.1)
        sourced = subprocess.run(["bash", "-c", '. "$1" && env -0', "-", self.path("sandbox", "env")], capture_output=True, check=True)
        pairs = (pair.partition("=") for pair in sourced.stdout.decode().split("\0") if pair)
        self.environment = {name: value for name, _, value in pairs}
        self.bridge = open(self.path("sandbox", "bridge.yaml")).read()
        applied = subprocess.run([self.arguments.gangplank, "apply"], cwd=self.path("sandbox"), env=self.environment, capture_output=True)
        if applied.returncode != 0:
            sys.exit("apply: " + applied.stderr[-800:].decode())

    def start_entra(self):
        """Passes everything on to the sandbox's Entra, but for tokens for storage."""
        upstream = re.search(r"^ *entra: *(\S+)", self.bridge, re.M).group(1).strip("\"'")
        tenant = re.search(r"^ *tenant: *(\S+)", self.bridge, re.M).group(1).strip("\"'")
        trust = ssl.create_default_context(cafile=self.path("sandbox", "ca.pem"))

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Heads and bodies are written one after the other: the second would wait 40 ms for word of the first.
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.answer(None)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if b"storage.azure.com" in body:
                    self.reply(200, json.dumps({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
                                                "access_token": storage_token(tenant)}).encode())
                else:
                    self.answer(body)

            def answer(self, body):
                kept = {name: value for name, value in self.headers.items() if name.lower() in ("content-type", "accept", "authorization")}
                try:
                    with urllib.request.urlopen(urllib.request.Request(upstream + self.path, body, kept), context=trust) as got:
                        self.reply(got.status, got.read())
                except urllib.error.HTTPError as refused:
                    self.reply(refused.code, refused.read())

            def reply(self, status, body):
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(self.path("tls.pem"), self.path("tls.key"))
        server.socket = secure.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    def bridge_file(self, name, blob, registry):
        """A bridge file with these ports for the storage and the registry."""
        text = self.bridge
        for key, value in (("entra", f"https://127.0.0.1:{self.entra}"), ("blob", f"https://127.0.0.1:{blob}/{{account}}"),
                           ("registry", f"https://localhost:{registry}"), ("caBundle", "both.pem")):
            text = re.sub(rf"^( *{key}: *).*$", rf"\g<1>{value}", text, count=1, flags=re.M)
        with open(self.path("sandbox", "both.pem"), "w") as out:
            out.write(open(self.path("sandbox", "ca.pem")).read() + open(self.path("ca.pem")).read())
        place = self.path("sandbox", name)
        with open(place, "w") as out:
            out.write(text)
        return place

    def stop(self):
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait()


def storage_token(tenant):
    """What Azurite looks at with `--oauth basic`: issuer, audience and times; no signature."""
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": f"https://sts.windows.net/{tenant}/", "iat": now - 60, "nbf": now - 60,
              "exp": now + 3600, "tid": tenant, "ver": "1.0"}
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.{'A' * 342}"


def model_folder(name, version):
    """Where the sandbox says that the files of a version are."""
    return f"LocalUpload/{hashlib.sha256(f'{name}:{version}'.encode()).hexdigest()[:32]}/{name}"
