#!/usr/bin/env python3
"""Times packing a model from Azurite into a local registry, tool by tool in turns, and prints medians. Writes JSON and a table."""
import argparse, hashlib, json, os, shutil, ssl, statistics, subprocess, sys, tempfile, urllib.request
from world import ACCOUNT, CONTAINER, KEY, Counter, World, model_folder

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from measure import MIB, floors, measure, told

MEMORY = "/dev/shm"
CASES = {"first": "the whole model", "second": "1 of {files} files changed"}


def commands(arguments, world, ports, case):
    """Tool → the words that bring the model into the registry. The peers first download it into an empty folder."""
    blob, registry = ports
    folder = world.path("down")
    prefix, ca = model_folder("breast-cancer", "1"), world.path("ca.pem")
    down = [arguments.python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "blobs.py"), "down",
            f"https://127.0.0.1:{blob}/{ACCOUNT}", KEY, ca, CONTAINER, prefix, folder]
    down = " ".join(f"'{word}'" for word in down)
    target = lambda tool: f"localhost:{registry}/bench/{tool}:{case}"
    shell = lambda text: ["sh", "-ec", f"{down}; cd '{folder}'; {text}"]
    bridge = world.bridge_file(f"bridge-{blob}-{registry}.yaml", blob, registry)
    peers = {
        "oras": shell(f"oras push --no-tty --plain-http=false '{target('oras')}' *"),
        "crane": shell("for file in *; do tar --owner=0 --group=0 --mtime=@0 -cf \"../tar/$file.tar\" \"$file\"; done; cd ../tar; "
                       f"crane append --oci-empty-base $(for file in *; do printf ' -f %s' \"$file\"; done) -t '{target('crane')}' >/dev/null"),
        "kit": shell(f"printf 'manifestVersion: 1.0.0\\npackage: {{name: bench}}\\nmodel: {{name: bench, path: .}}\\n' > ../Kitfile; "
                     f"kitops pack . -f ../Kitfile -t '{target('kit')}'; kitops push '{target('kit')}'"),
    }
    tools = {"gangplank": [arguments.gangplank, "pack", "-f", bridge, "breast-cancer:1", "-o", "json"]}
    wanted = arguments.tools.split(",") if arguments.tools else ["gangplank", *peers]
    there = {"kit": "kitops"}
    tools.update({name: words for name, words in peers.items() if shutil.which(there.get(name, name))})
    return {name: tools[name] for name in wanted if name in tools}


def source(arguments, world, which):
    """Writes the files of the model into Azurite: all, or the one that changes."""
    with tempfile.TemporaryDirectory(dir=world.folder) as folder:
        for at in range(arguments.files):
            if which == "one" and at != arguments.files // 2:
                continue
            with open(os.path.join(folder, f"shard-{at:02}.bin"), "wb") as out:
                left = arguments.size * MIB // arguments.files
                while left:
                    piece = os.urandom(min(left, 8 * MIB))
                    out.write(piece)
                    left -= len(piece)
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run([arguments.python, os.path.join(here, "blobs.py"), "up", f"https://127.0.0.1:{world.blob}/{ACCOUNT}", KEY,
                        world.path("ca.pem"), CONTAINER, model_folder("breast-cancer", "1"), folder], check=True)


def right(world, got):
    """Whether the registry has the image that ours says it pushed."""
    if got["code"] != 0:
        return False
    try:
        reference = json.loads(got["out"])["reference"]
        place, digest = reference.split("@")
        repository = place.split("/", 1)[1]
    except (ValueError, KeyError):
        return True
    trust = ssl.create_default_context(cafile=world.path("ca.pem"))
    url = f"https://localhost:{world.registry}/v2/{repository}/manifests/{digest}"
    request = urllib.request.Request(url, headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
    with urllib.request.urlopen(request, context=trust) as answer:
        return "sha256:" + hashlib.sha256(answer.read()).hexdigest() == digest


def one(arguments, world, ports, case, tool, results):
    for name in ("down", "tar", "home"):
        shutil.rmtree(world.path(name), ignore_errors=True)
        os.makedirs(world.path(name))
    environment = {**world.environment, "SSL_CERT_FILE": world.path("ca.pem"), "HOME": world.path("home"),
                   "KITOPS_HOME": world.path("home"), "XDG_CACHE_HOME": world.path("home"), "TMPDIR": world.path("home")}
    words = commands(arguments, world, ports, case)[tool]
    got = measure(words, environment, arguments.deadline, world.folder)
    got["right"] = right(world, got)
    print(f"{case:6} {tool:9} {got['wall']:7.2f} s  cpu {got['cpu']:6.2f} s  {got['rss']:5.0f} MiB  disk {got['disk']:8.1f} MiB  "
          f"{'right' if got['right'] else 'WRONG ' + got['said'][-200:]}", flush=True)
    return got


def a_round(arguments, world, ports, results, proxies=None):
    """Every tool once with an empty registry, then once more with one file changed."""
    shutil.rmtree(world.images(), ignore_errors=True)
    for case in CASES:
        if case == "second":
            source(arguments, world, "one")
        for tool in commands(arguments, world, ports, case):
            before = sum(proxy.bytes for proxy in proxies or ())
            got = one(arguments, world, ports, case, tool, results)
            if proxies:
                results[case][tool][0]["wire"] = (sum(proxy.bytes for proxy in proxies) - before) / MIB
            else:
                results.setdefault(case, {}).setdefault(tool, []).append({key: got[key] for key in got if key not in ("out", "said")})


def memory(size):
    """The folder in memory, if there is room for the model, an image of each tool, and half as much: the disks of servers are not
    the client's, and one disk for all would be what is measured. Otherwise nothing, which is the folder for temporary files."""
    with open("/proc/meminfo") as meminfo:
        free = next(int(line.split()[1]) * 1024 for line in meminfo if line.startswith("MemAvailable:"))
    return MEMORY if os.path.isdir(MEMORY) and min(free, shutil.disk_usage(MEMORY).free) > 8 * size else None


def table(arguments, results, least, stores):
    lines = [f"{arguments.size} MiB in {arguments.files} files, medians of {arguments.rounds}; {told(arguments.size * MIB, least)}",
             f"the registry and Azurite keep their bytes {'in memory' if stores.startswith(MEMORY) else 'on disk'}", "",
             f"{'case':22} {'tool':9} {'wall s':>8} {'cpu s':>7} {'peak MiB':>8} {'disk MiB':>9} {'wire MiB':>9}  right"]
    for case, tools in results.items():
        for tool, runs in tools.items():
            middle = lambda field: statistics.median(run[field] for run in runs)
            lines.append(f"{CASES[case].format(files=arguments.files):22} {tool:9} {middle('wall'):8.2f} {middle('cpu'):7.2f} "
                         f"{max(run['rss'] for run in runs):8.0f} {max(run['disk'] for run in runs):9.1f} {runs[0].get('wire', 0):9.1f}  "
                         f"{sum(run['right'] for run in runs)}/{len(runs)}")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--gangplank", "--registry", "--azurite", "--python"):
        parser.add_argument(name, required=True)
    parser.add_argument("--size", type=int, default=2048, help="MiB of the model")
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--tools", default="", help="which tools, comma-separated; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--deadline", type=int, default=600, help="seconds for one run")
    parser.add_argument("--stores", help="where the registry and Azurite keep their bytes: in memory by default, where there is room")
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "results"))
    arguments = parser.parse_args()
    results, folder = {}, tempfile.mkdtemp(prefix="gangplank-bench-")
    stores = tempfile.mkdtemp(prefix="gangplank-bench-", dir=arguments.stores or memory(arguments.size * MIB))
    world = World(arguments, folder, stores)
    try:
        world.build()
        source(arguments, world, "all")
        least = floors(arguments.size * MIB, (world.path("tls.pem"), world.path("tls.key")))
        for _ in range(arguments.rounds):
            a_round(arguments, world, (world.blob, world.registry), results)
        # Once more through proxies that count, and only for that: they cost time.
        proxies = Counter(world.blob), Counter(world.registry)
        a_round(arguments, world, tuple(proxy.port for proxy in proxies), results, proxies)
    finally:
        world.stop()
        for gone in folder, stores:
            shutil.rmtree(gone, ignore_errors=True)
    text = table(arguments, results, least, stores)
    print("\n" + text)
    os.makedirs(arguments.out, exist_ok=True)
    with open(os.path.join(arguments.out, "pack.txt"), "w") as out:
        out.write(text)
    with open(os.path.join(arguments.out, "pack.json"), "w") as out:
        json.dump({"size, MiB": arguments.size, "files": arguments.files, "rounds": arguments.rounds,
                   "its floors, s": least, "results": results}, out, indent=1)


main()
