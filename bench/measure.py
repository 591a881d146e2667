"""One run of one tool: what it took of the clock, the processor, memory and the disk."""
import hashlib, os, signal, subprocess, tempfile, threading, time

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


def floor(size):
    """Seconds that one core needs to hash as much."""
    started, piece, digest = time.process_time(), bytes(MIB), hashlib.sha256()
    for _ in range(size // MIB):
        digest.update(piece)
    return time.process_time() - started
