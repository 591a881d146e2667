"""Walks with `gangplank doctor` as often as is asked, makes sure that each walk reached its end and found nothing, and prints
median and p99 in milliseconds."""

import json
import math
import statistics
import subprocess
import sys
import time

COMMAND = [sys.argv[1], "doctor", "--team", "oncology", "--output", "json"]
RUNS = int(sys.argv[2])


def timed():
    began = time.perf_counter()
    walk = subprocess.run(COMMAND, capture_output=True, text=True, check=True)
    took = (time.perf_counter() - began) * 1000
    answer = json.loads(walk.stdout)
    assert answer["findings"] == [], answer["findings"]
    left = [hop["hop"] for hop in answer["hops"] if hop["outcome"] != "sound"]
    assert not left, f"not sound: {left}"
    return took


timed()
times = sorted(timed() for _ in range(RUNS))
p99 = times[math.ceil(RUNS * 0.99) - 1]
print(f"gangplank doctor: median {statistics.median(times):.1f} ms, p99 {p99:.1f} ms over {RUNS} walks")
