"""Memory is handed out again instead of being mapped anew: page faults are counted, seconds are not."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from varbench.bench.allocation import keep_memory

if sys.argv[1] == "kept":
    keep_memory()
def block():
    np.empty(2**25, np.uint8).fill(1)
def faults():
    for _ in range(2):
        block()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        block()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
with ThreadPoolExecutor(1) as pool:
    print(pool.submit(faults).result() if sys.argv[2] == "thread" else faults())
"""


def _faults(how: str, where: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, how, where], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
@pytest.mark.parametrize("where", ["main", "thread"])
def test_large_temporaries_fault_once(where: str) -> None:
    assert _faults("kept", where) < 16
    assert _faults("as it comes", where) > 100  # huge pages, where the kernel gives them, are few
