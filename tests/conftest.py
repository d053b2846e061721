"""One thread a test process: two processes share two cores; the same examples in every run; one small store."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("varbench", derandomize=True, deadline=None)
settings.load_profile("varbench")

TINY = """
name = "tiny"
draws = 300

[[grid]]
problems = ["bernoulli_quadratic[target=0.45]", "normal_square"]
estimators = ["reinforce", "rloo", "disarm", "reinmax", "enumerate"]
temperatures = [0.5, 1.0]
num_samples = [1, 2]
"""


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study's file."""
    path = tmp_path_factory.mktemp("study") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny(tiny_study: Path) -> Path:
    """Its whole store, timed; copy it before you change it."""
    from varbench.command_line import ended

    path = tiny_study.with_name("tiny.db")
    assert ended(["run", str(tiny_study), "--out", str(path)]) == 0
    return path
