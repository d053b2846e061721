"""Memory is handed out again instead of being mapped anew: page faults are counted, seconds are not."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from varbench.bench.allocation import keep_memory

if sys.argv[1] == "kept":
    keep_memory()
def block():
    np.empty(2**25, np.uint8).fill(1)
for _ in range(2):
    block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_large_temporaries_fault_once() -> None:
    assert _faults("kept") < 16
    assert _faults("as it comes") > 100  # huge pages, where the kernel gives them, are few
