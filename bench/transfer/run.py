#!/usr/bin/env python3
"""Times copies between two local registries, tool by tool in turns, and prints medians. Writes JSON and a plot beside."""
import argparse, base64, json, os, shutil, socket, statistics, subprocess, sys, tempfile, time
from images import Registry, layer
from plot import plot

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from measure import MIB, floors, measure, told

CASES = {
    "a": ("one 2 GiB layer", 1, 2048),
    "b": ("16 × 128 MiB", 16, 128),
    "c": ("400 × 1 MiB", 400, 1),
    "d": ("40 layers, 38 there", 40, 4),
    "e": ("everything there", 40, 4),
    "f": ("16 × 128 MiB, 20 ms, 200 Mbit/s a connection", 16, 128),
    "fd": ("40 layers, 38 there, 20 ms", 40, 4),
    "fe": ("everything there, 20 ms", 40, 4),
    "g": ("16 × 128 MiB, 1 % of reads cut", 16, 128),
    "h": ("20 × 1 GiB", 20, 1024),
}
TENANT = "6f2d1c7a-0d57-4b52-9f0e-3f4f2f0c7d11"
BRIDGE = f"""apiVersion: gangplank.dev/v1alpha1
kind: Bridge
metadata: {{name: bench}}
azure: {{tenant: {TENANT}, subscription: {TENANT}, resourceGroup: bench, workspace: bench}}
google: {{project: bench-nobody, projectNumber: 412907655821, location: europe-west4, cluster: bench, repository: bench}}
"""
USUAL = "a,b,c,d,e,f,fd,fe,g"
PLAIN_TOO = "abc"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class World:
    """Two registries over TLS and plaintext, and worse lines to the encrypted ones."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder, self.children = arguments, folder, []
        self.ca = self.certificates()
        self.environment = self.log_in()
        self.sides = {side: self.registries(side) for side in ("from", "to")}

    def certificates(self):
        run = lambda *words: subprocess.run(words, check=True, cwd=self.folder, capture_output=True)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=bench")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tls.key",
            "-out", "tls.csr", "-subj", "/CN=localhost")
        with open(os.path.join(self.folder, "ext"), "w") as out:
            out.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        run("openssl", "x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "tls.pem", "-extfile", "ext")
        return os.path.join(self.folder, "ca.pem")

    def log_in(self):
        """A bridge, and a token for a log-in that ours finds and nobody asks for: the registries here take anybody."""
        part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
        claims = {"iss": "https://issuer.example", "sub": "bench", "aud": "api://AzureADTokenExchange", "exp": int(time.time()) + 86400}
        token, bridge = os.path.join(self.folder, "token"), os.path.join(self.folder, "bridge.yaml")
        for path, text in (token, f"{part({'alg': 'RS256'})}.{part(claims)}.{'A' * 342}"), (bridge, BRIDGE):
            with open(path, "w") as out:
                out.write(text)
        return {"GANGPLANK_FILE": bridge, "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": TENANT, "AZURE_FEDERATED_TOKEN_FILE": token}

    def registries(self, side):
        storage, ports, logs = os.path.join(self.folder, side), {}, {}
        for kind in ("tls", "plain"):
            ports[kind] = free_port()
            tls = f"\n  tls: {{certificate: {self.folder}/tls.pem, key: {self.folder}/tls.key}}" if kind == "tls" else ""
            config = os.path.join(self.folder, f"{side}-{kind}.yml")
            with open(config, "w") as out:
                out.write(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {storage}}}}}\n"
                          f"http:\n  addr: 127.0.0.1:{ports[kind]}\n  relativeurls: true\n  secret: bench{tls}\n")
            logs[kind] = os.path.join(self.folder, f"{side}-{kind}.log")
            self.start([self.arguments.registry, "serve", config], logs[kind])
        for kind in ports:
            wait(ports[kind])
        return {"ports": ports, "logs": logs}

    def start(self, command, log):
        with open(log, "wb") as out:
            child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT,
                                     env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
        self.children.append(child)
        return child

    def line(self, side, delay, rate, cut, seed):
        port = free_port()
        target = f"127.0.0.1:{self.sides[side]['ports']['tls']}"
        self.start([self.arguments.shape, f"127.0.0.1:{port}", target, str(delay), str(rate), str(cut), str(seed)],
                   os.path.join(self.folder, f"line-{port}.log"))
        wait(port)
        return port

    def requests(self):
        count = 0
        for side in self.sides.values():
            for log in side["logs"].values():
                with open(log, "rb") as lines:
                    count += sum(1 for line in lines if b"HTTP/" in line)
        return count

    def stop(self):
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait()


def wait(port):
    for _ in range(200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


def commands(arguments, tls):
    """Tool → the words that copy `source` to `target`."""
    insecure = [] if tls else ["--insecure"]
    # Without a word oras takes localhost to speak plain http.
    plain = [f"--{side}-plain-http={str(not tls).lower()}" for side in ("from", "to")]
    regctl = [] if tls else ["--host", "reg={0},tls=disabled", "--host", "reg={1},tls=disabled"]
    all_tools = {
        # Without a word ours takes loopback to speak plain http; referrers are left behind, as the others leave them.
        "gangplank": lambda s, t: [arguments.gangplank, "copy", "--no-referrers",
                                   *(f"https://{name}" if tls else name for name in (s, t))],
        "skopeo": lambda s, t: ["skopeo", "copy", "--quiet", "--insecure-policy",
                                *([] if tls else ["--src-tls-verify=false", "--dest-tls-verify=false"]),
                                f"docker://{s}", f"docker://{t}"],
        "crane": lambda s, t: ["crane", "copy", *insecure, s, t],
        "regctl": lambda s, t: ["regctl", *[w.format(s.split("/")[0], t.split("/")[0]) for w in regctl], "image", "copy", s, t],
        "oras": lambda s, t: ["oras", "cp", "--no-tty", *plain, s, t],
    }
    there = lambda name: name == "gangplank" or shutil.which(name)
    wanted = arguments.tools.split(",") if arguments.tools else all_tools
    return {name: all_tools[name] for name in wanted if there(name)}


def carried():
    """MiB that crossed the loopback interface so far. With a line in between, all bytes cross it twice."""
    with open("/sys/class/net/lo/statistics/rx_bytes") as count:
        return int(count.read()) / MIB


def one_case(world, arguments, case, tls, results):
    kind = "tls" if tls else "plain"
    name, count, size = CASES[case]
    size = max(1, size // arguments.shrink)
    with tempfile.TemporaryDirectory(dir=world.folder) as scratch:
        layers = [layer(size * MIB, scratch) for _ in range(count)]
        source = Registry(f"http://127.0.0.1:{world.sides['from']['ports']['plain']}")
        target = Registry(f"http://127.0.0.1:{world.sides['to']['ports']['plain']}")
        repository = f"bench/{case}"
        wanted = source.image(repository, "1", layers)
        delay, rate, cut = {"f": (20, 200, 0), "g": (0, 0, 1)}.get(case[0], (0, 0, 0))
        ports = {side: world.sides[side]["ports"][kind] for side in world.sides}
        if case[0] in "fg":
            ports = {side: world.line(side, delay, rate, cut, 7) for side in world.sides}
        host = lambda side: f"localhost:{ports[side]}" if tls else f"127.0.0.1:{ports[side]}"
        environment = {**os.environ, **world.environment, "SSL_CERT_FILE": world.ca, "HOME": scratch, "TMPDIR": scratch,
                       "REGCTL_CONFIG": os.path.join(scratch, "regctl.json")}
        rounds = 1 if case == "g" else arguments.rounds
        for turn in range(rounds):
            for tool, words in commands(arguments, tls).items():
                to = f"bench/{case}-{kind}-{tool}-{turn}"
                if case[-1] == "d":
                    target.image(to, "0", layers[:-2])
                elif case[-1] == "e":
                    target.image(to, "1", layers)
                    wanted = source.digest(repository, "1") if target.digest(to, "1") else wanted
                    copy_config(source, target, repository, to)
                os.sync()  # What the disk still owes to earlier writers is not this tool's to wait for.
                before, wire = world.requests(), carried()
                got = measure(words(f"{host('from')}/{repository}:1", f"{host('to')}/{to}:1"), environment, arguments.deadline)
                got["wire"] = (carried() - wire) / (2 if case[0] in "fg" else 1)
                time.sleep(0.1)
                got["requests"] = world.requests() - before
                got["right"] = got["code"] == 0 and target.digest(to, "1") == wanted
                del got["out"]
                results.setdefault(f"{case}/{kind}", {}).setdefault(tool, []).append(got)
                print(f"{case}/{kind} {tool:9} {got['wall']:6.2f} s  cpu {got['cpu']:5.2f} s  {got['rss']:4.0f} MiB  "
                      f"{got['requests']:5} requests  {'right' if got['right'] else 'WRONG ' + got['said'][-120:]}", flush=True)
                shutil.rmtree(os.path.join(world.folder, "to/docker/registry/v2/repositories", to), ignore_errors=True)
        shutil.rmtree(os.path.join(world.folder, "to/docker"), ignore_errors=True)
        shutil.rmtree(os.path.join(world.folder, "from/docker"), ignore_errors=True)


def copy_config(source, target, repository, to):
    """Makes the image at the target the very one of the source."""
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    manifest = source.ask("GET", f"/v2/{repository}/manifests/1", None, accept).read()
    config = json.loads(manifest)["config"]
    body = source.ask("GET", f"/v2/{repository}/blobs/{config['digest']}").read()
    target.blob(to, config["digest"], config["size"], body)
    target.ask("PUT", f"/v2/{to}/manifests/1", manifest, {"Content-Type": accept["Accept"]}).read()


def table(results, least):
    print(f"\nmedians; {told(2048 * MIB, least)}\n")
    print(f"{'case':46} {'tool':9} {'wall s':>8} {'cpu s':>7} {'MiB':>5} {'disk MiB':>8} {'wire MiB':>8} {'requests':>8}  right")
    for key, tools in results.items():
        case, kind = key.split("/")
        for tool, runs in tools.items():
            middle = lambda field: statistics.median(run[field] for run in runs)
            right = sum(run["right"] for run in runs)
            print(f"{CASES[case][0] + ' (' + kind + ')':46} {tool:9} {middle('wall'):8.2f} {middle('cpu'):7.2f} "
                  f"{max(run['rss'] for run in runs):5.0f} {max(run['disk'] for run in runs):8.1f} {middle('wire'):8.0f} {middle('requests'):8.0f}  "
                  f"{right}/{len(runs)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--gangplank", "--registry", "--shape"):
        parser.add_argument(name, required=True)
    parser.add_argument("--cases", default=USUAL, help="which, comma-separated; h takes 60 GiB on disk and shows memory")
    parser.add_argument("--plain", action=argparse.BooleanOptionalAction, default=True, help="a, b and c without TLS as well")
    parser.add_argument("--tools", default="", help="which tools, comma-separated; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shrink", type=int, default=1, help="layers that many times smaller, to try the script")
    parser.add_argument("--deadline", type=int, default=300, help="seconds for one copy")
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "results"))
    arguments = parser.parse_args()
    results, folder = {}, tempfile.mkdtemp(prefix="gangplank-bench-")
    world = World(arguments, folder)
    try:
        least = floors(2048 * MIB, [os.path.join(folder, name) for name in ("tls.pem", "tls.key")])
        for case in arguments.cases.split(","):
            one_case(world, arguments, case, True, results)
            if arguments.plain and case in PLAIN_TOO:
                one_case(world, arguments, case, False, results)
    finally:
        world.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table(results, least)
    os.makedirs(arguments.out, exist_ok=True)
    with open(os.path.join(arguments.out, "transfer.json"), "w") as out:
        json.dump({"2 GiB, s": least, "rounds": arguments.rounds, "results": results}, out, indent=1)
    plot(results, CASES, os.path.join(arguments.out, "transfer.svg"))


main()
