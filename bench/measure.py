"""One run of one tool: what it took of the clock, the processor, memory and the disk."""
import hashlib, os, signal, socket, ssl, subprocess, tempfile, threading, time

MIB = 1 << 20


def peaks(pid, found):
    """The most memory that a process and those below it ever had resident, each for itself. Not `ru_maxrss`: that begins with what
    the process had that started it."""
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    found[pid] = int(line.split()[1]) / 1024
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            for child in children.read().split():
                peaks(int(child), found)
    except (OSError, ValueError):
        pass  # It has just ended.


def measure(words, environment, deadline, folder=None):
    # The certificates are the bench's. Those that a machine names besides cost each tool something else.
    environment = {name: value for name, value in environment.items() if name != "SSL_CERT_DIR"}
    started = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(words, env=environment, cwd=folder, stdout=out, stderr=errors, start_new_session=True)
        found, over = {}, threading.Event()

        def watch():
            while not over.is_set():
                peaks(child.pid, found)
                over.wait(0.01)

        watcher = threading.Thread(target=watch)
        watcher.start()
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(child.pid, signal.SIGKILL))
        signal.alarm(deadline)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        signal.alarm(0)
        over.set()
        watcher.join()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), errors.seek(0)
        said = errors.read()[-400:].decode(errors="replace")
        return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": max(found.values(), default=0),
                "disk": usage.ru_oublock * 512 / MIB, "code": child.returncode, "said": said,
                "out": out.read().decode(errors="replace")}


def hashing(size):
    """Seconds that one core needs to hash as much."""
    started, piece, digest = time.process_time(), bytes(MIB), hashlib.sha256()
    for _ in range(size // MIB):
        digest.update(piece)
    return time.process_time() - started


def loopback(size, certificate=None):
    """Seconds of the clock in which one process sends as much to another: by TLS, if there is a certificate and its key."""
    piece = bytearray(MIB // 4)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if child == 0:
            try:
                send(listener.accept()[0], piece, size, certificate)
            finally:
                os._exit(0)
        far = socket.create_connection(listener.getsockname())
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        far = context.wrap_socket(far)
    with far:
        started, came = time.monotonic(), 0
        while count := far.recv_into(piece):
            came += count
        wall = time.monotonic() - started
    os.waitpid(child, 0)
    if came != size:
        raise OSError(f"{came} of {size} bytes came over loopback")
    return wall


def send(near, piece, size, certificate):
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        near = context.wrap_socket(near, server_side=True)
    for _ in range(size // len(piece)):
        near.sendall(piece)
    if certificate:
        near = near.unwrap()
    near.close()


def floors(size, certificate):
    """What nobody can do without: figure → seconds."""
    return {"sha256": round(hashing(size), 2), "loopback": round(loopback(size), 2),
            "loopback with TLS": round(loopback(size, certificate), 2)}


def told(size, least):
    """The floors as a line."""
    return f"{size / MIB / 1024:g} GiB take here: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in least.items())
