"""A side of a row: something that takes gradient draws, here or in a process of its own, and says what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .pinned import one_core

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}
_WORKER = Path(__file__).with_name("worker.py")


class Skipped(Exception):  # noqa: N818
    """A row cannot be run here; the reason is its text."""


@dataclass(frozen=True)
class Call:
    """Some calls of a side.

    Args:
        seconds: of all of them.
        cpu: seconds of processor time.
        mean: of the entries of the last call's draws [n].
        trace: of the covariance of one draw, by the last call.
    """

    seconds: float
    cpu: float
    mean: np.ndarray
    trace: float


class Side(Protocol):
    """Something that takes draws; its calls have the seeds seed, seed + 1, ..."""

    @property
    def rows(self) -> int:
        """Draws of a call."""

    def __call__(self, seed: int, repeats: int = 1) -> Call:
        """Return what some calls took, and the last one's statistics."""


@dataclass(frozen=True)
class Here:
    """A side in this process.

    Args:
        run: from a seed to the mean of the entries and the trace.
        rows: draws of a call.
    """

    run: Callable[[int], tuple[Any, float]]
    rows: int

    def __call__(self, seed: int, repeats: int = 1) -> Call:
        """Return what some calls took, and the last one's statistics."""
        cpu, began = time.process_time(), time.perf_counter()
        for k in range(repeats):
            mean, trace = self.run(seed + k)
        seconds = time.perf_counter() - began
        return Call(seconds, time.process_time() - cpu, np.asarray(mean, float).reshape(-1), float(trace))


class There:
    """A side in a process of its own, which stays warm between calls; use ``peer`` to open one.

    Args:
        process: that runs worker.py.
        name: of the side, for what is said when it fails.
        build: what worker.py is asked to build.
    """

    def __init__(self, process: subprocess.Popen[str], name: str, build: Mapping[str, Any]) -> None:
        self._process, self._name = process, name
        answer = self._asked(build)
        self.rows: int = answer["rows"]
        self.versions: dict[str, str] = answer["versions"]

    def __call__(self, seed: int, repeats: int = 1) -> Call:
        """Return what some calls took in that process, and the last one's statistics."""
        answer = self._asked({"run": seed, "repeats": repeats})
        return Call(answer["seconds"], answer["cpu"], np.asarray(answer["mean"], float), answer["trace"])

    def _asked(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer = json.loads(line) if line else {"failed": "its process ended without an answer"}
        if "failed" in answer:
            raise Skipped(f"{self._name}: {answer['failed']}")
        return answer


@contextmanager
def peer(python: Path, name: str, function: str = "build", **case: Any) -> Iterator[There]:
    """Open a side of ``sides/`` under another interpreter, with one thread, until the end of the block.

    Args:
        python: the interpreter.
        name: of the file in ``sides/``.
        function: that builds the side.
        case: its arguments.

    Raises:
        Skipped: if there is no such interpreter, or it lacks what the side needs.
    """
    if not python.exists():
        raise Skipped(f"there is no {python}: run 'make peers', or name an interpreter that has the peers by --python")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | ONE_THREAD
    with one_core():
        process = subprocess.Popen(
            [python, "-P", _WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=environment,
        )  # fmt: skip
    try:
        yield There(process, name, {"build": name, "function": function, "case": case})
    finally:
        process.kill()
        process.communicate()
