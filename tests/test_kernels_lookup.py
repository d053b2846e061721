"""Outcomes told from words, and rows of a table turned: what the kernels of index-only methods stand on."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("numba")
from numba import njit

from varbench.estimators.families.bernoulli import Bernoulli
from varbench.estimators.families.categorical import Categorical
from varbench.estimators.kernels import draw
from varbench.estimators.kernels.arrays import transposed
from varbench.estimators.kernels.permuting import permute
from varbench.estimators.kernels.turning import columns, lanes


def _logits(*shape: int, spread: float = 1.5) -> torch.Tensor:
    return spread * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def _edges() -> torch.Tensor:
    """A class of probability 0, or nearly, at either end and between."""
    far = torch.tensor([-torch.inf, -25.0, -21.0, 0.0])
    return torch.stack([far, far.flip(0), far[[3, 0, 1, 2]], far[[2, 3, 3, 0]]]).double()


NODES = {
    "categorical": Categorical(_logits(30, 10)),
    "sharp": Categorical(_logits(30, 7, spread=10)),
    "edges": Categorical(_edges()),
    "single": Categorical(_logits(30, 10).float()),
    "coins": Bernoulli(_logits(50)),
    "sharp coins": Bernoulli(torch.tensor([-800.0, -40.0, -23.0, -21.0, 0.0, 21.0, 23.0, 40.0, 800.0])),
}


def _counted(node: Bernoulli | Categorical, word: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    """Return the outcomes by their definition, u held against the levels [V, words]."""
    u = (word[:, None, :] + 0.5) / 2.0**32  # float64 [V, 1, words]
    p = node.probs.to(dtype).double().numpy()
    if isinstance(node, Bernoulli):
        return (u[:, 0] < p[:, None]).astype(int)
    levels = p.cumsum(-1)
    return (u * levels[:, -1:, None] > levels[:, :-1, None]).sum(1)


def _told(node: Bernoulli | Categorical, word: np.ndarray) -> np.ndarray:
    """Return them by the bounds on words, as the kernel compares them."""
    least, bounds = draw.levels(node)
    above = (word[:, None, :] - 2**31 > bounds[:, :, None]).sum(1) + least[:, None]
    return 1 - above if isinstance(node, Bernoulli) else above


def _near(node: Bernoulli | Categorical) -> np.ndarray:
    """Return the words around each bound, and the first and last two [V, words]."""
    bounds = draw.levels(node)[1].astype(np.int64) + 2**31
    around = (bounds[:, :, None] + np.arange(-2, 4)).reshape(len(bounds), -1)
    ends = np.tile([0, 1, 2**32 - 2, 2**32 - 1], (len(bounds), 1))
    return np.concatenate([np.clip(around, 0, 2**32 - 1), ends], 1)


@pytest.mark.parametrize("kind", NODES)
def test_bounds_on_words_tell_what_uniforms_tell(kind: str) -> None:
    """At the words next to each bound, where a bound off by one would show; elsewhere both are monotone."""
    node = NODES[kind]
    word = _near(node)
    assert np.array_equal(_told(node, word), _counted(node, word, torch.float64))


def test_levels_of_single_precision_would_show() -> None:
    node = NODES["categorical"]
    word = _near(node)
    assert not np.array_equal(_told(node, word), _counted(node, word, torch.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("outcomes", [2, 3, 16, 17, 32, 33, 300])
@pytest.mark.parametrize("width", [1, 10])
def test_columns_are_the_tables(outcomes: int, width: int, dtype: type) -> None:
    """Of two rows, of as many as a permutation takes, and of more."""
    L, rng = lanes(np.dtype(dtype)), np.random.default_rng(0)
    padded = -(-width // L) * L
    table, which = rng.random((outcomes, padded), dtype), rng.integers(0, outcomes, 128, np.int32)
    out = np.empty((padded, 192), dtype)
    columns(table, which, width, out)
    assert np.array_equal(out[:width, :128], table[which, :width].T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_permutation_looks_numbers_up(dtype: type) -> None:
    """By one instruction or, on a processor without it, one number after the other."""
    rng, count = np.random.default_rng(0), 128 // np.dtype(dtype).itemsize
    numbers, which, out = rng.random(count, dtype), rng.integers(0, count, 64, np.int32), np.zeros(64, dtype)
    _looked_up(numbers, which, 16, out)
    assert np.array_equal(out[16 : 16 + count // 2], numbers[which[16 : 16 + count // 2]])
    assert (out[:16] == 0).all()
    assert (out[16 + count // 2 :] == 0).all()


def test_columns_are_the_tables_on_a_processor_without_permutations() -> None:
    plain = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    names = "test_columns_are_the_tables and (3 or 16), test_a_permutation".replace(", ", " or ")
    code = f"import sys, pytest; sys.exit(pytest.main(['-q', '-n0', {__file__!r}, '-k', {names!r}]))"
    told = "from varbench.estimators.kernels.permuting import PERMUTES; assert not PERMUTES; "
    ran = subprocess.run([sys.executable, "-c", told + code], env=plain, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@njit
def _looked_up(numbers, which, first, out):  # type: ignore[no-untyped-def]
    permute(numbers, which, first, out)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (100, 200), (64, 7), (37, 33), (8, 8)])
def test_transposes_are_numpys(shape: tuple[int, int], dtype: type) -> None:
    rows = np.random.default_rng(1).random(shape, dtype)
    assert np.array_equal(transposed(rows), rows.T)
