"""A side in a process and an environment of its own: python -P worker.py; one JSON object a line, in and out.

{"build": name, "function": name, "case": {...}} is answered with {"rows": N, "versions": {...}},
{"run": seed, "repeats": k} with {"seconds": s, "cpu": s, "mean": [...], "trace": t}, the statistics those of the last
repeat, and what fails with {"failed": text}.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any


def built(name: str, function: str, case: dict[str, Any]) -> tuple[Callable[[int], Any], dict[str, Any]]:
    """Return a side's run, with what the parent is told of it."""
    side = importlib.import_module(f"sides.{name}")
    run, rows = getattr(side, function)(**case)
    return run, {"rows": rows, "versions": {package: metadata.version(package) for package in side.PACKAGES}}


def timed(run: Callable[[int], Any], seed: int, repeats: int) -> dict[str, Any]:
    """Return the seconds of some calls, and the statistics of the last."""
    cpu, began = time.process_time(), time.perf_counter()
    for k in range(repeats):
        mean, trace = run(seed + k)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "cpu": time.process_time() - cpu, "mean": mean, "trace": trace}


def main() -> None:
    """Answer until there is no more to answer."""
    sys.path.append(str(Path(__file__).parent))  # last: no name of ours hides a module of the peers
    answers, sys.stdout = sys.stdout, sys.stderr  # what a peer prints is no answer
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if "build" in asked:
                run, answer = built(asked["build"], asked["function"], asked["case"])
            else:
                answer = timed(run, asked["run"], asked["repeats"])
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {' '.join(str(error).split())}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
