"""What was compiled is kept, and never outlives a change of any kernel."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from numba import config

from varbench.estimators.kernels import compiled

SOURCE = Path(compiled.__file__)


def run(folder: Path) -> tuple[int, int]:
    """Return what the caller computes, and how many functions were taken from disk, in a process of its own."""
    code = "from kernels.caller import f; print(f(1), sum(f.stats.cache_hits.values()))"  # numba's own count
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    value, hits = out.stdout.split()
    return int(value), int(hits)


def test_a_changed_callee_is_compiled_anew(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    shutil.copy(SOURCE, folder / "compiled.py")
    callee = "from .compiled import kernel\n@kernel\ndef g(x):\n    return x + {}\n"
    (folder / "callee.py").write_text(callee.format(1))
    caller = "from .callee import g\nfrom .compiled import kernel\n@kernel\ndef f(x):\n    return g(x) * 10\n"
    (folder / "caller.py").write_text(caller)
    assert run(tmp_path) == (20, 0)
    assert run(tmp_path) == (20, 1)
    (folder / "callee.py").write_text(callee.format(2))
    assert run(tmp_path) == (30, 0)


def test_numbas_own_setting_is_left_alone() -> None:
    assert "kernels-" not in str(config.CACHE_DIR)
