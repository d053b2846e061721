"""Replayable noise: keys, marginal laws, and the ends of the unit interval."""

import random
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from varbench import measure
from varbench.estimators.catalogue import CATALOGUE
from varbench.estimators.noise import PhiloxNoise

FALSE_FAIL = 1e-6  # of each statistical test, were its seed not fixed
MANY = 50_000  # draws: a Kolmogorov-Smirnov test of that size sees a distance of 0.02
LAWS = {"uniform": "uniform", "normal": "norm", "exponential": "expon", "gumbel": "gumbel_r", "logistic": "logistic"}
DTYPES = [torch.float32, torch.float64]


def noise(
    seed: int = 0, problem: str = "p", block: int = 0, rows: int = 7, dtype: torch.dtype = torch.float64
) -> PhiloxNoise:
    return PhiloxNoise(seed, problem, block, rows, dtype)


class Constant:
    """A generator whose every number is one number."""

    def __init__(self, number: float) -> None:
        self.random = self.standard_exponential = lambda size: np.full(size, number)


@pytest.fixture
def generating(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that makes all noise the given number, before it is cast and kept off the ends."""
    return lambda number: monkeypatch.setattr(PhiloxNoise, "generator", lambda self, name: Constant(number))


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("law", LAWS)
def test_the_same_key_gives_the_same_numbers(law: str) -> None:
    one, other = noise(), noise()
    first = getattr(one, law)(3, 2, name="a")
    assert first.shape == (7, 3, 2)
    assert torch.equal(getattr(one, law)(3, 2, name="a"), first)
    assert torch.equal(getattr(other, law)(3, 2, name="a"), first)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    "other", [noise(seed=1), noise(problem="q"), noise(block=1)], ids=["other_seed", "other_problem", "other_block"]
)
def test_another_key_gives_other_numbers(other: PhiloxNoise, law: str) -> None:
    assert not torch.isin(getattr(other, law)(3), getattr(noise(), law)(3)).any()


@pytest.mark.parametrize("law", LAWS)
def test_another_name_or_shape_gives_other_numbers(law: str) -> None:
    draw = getattr(noise(), law)
    assert not torch.isin(draw(3, name="y"), draw(3)).any()
    assert not torch.isin(draw(3, 1), draw(3)).any()


def test_rows_of_one_name_are_different() -> None:
    assert len(noise().uniform(3).unique()) == 7 * 3


def test_gumbels_and_logistics_replay_their_source() -> None:
    source = noise()
    u, E = source.uniform(3, name="a"), source.exponential(3, name="a")
    torch.testing.assert_close(source.logistic(3, name="a"), torch.logit(1 - u), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(source.gumbel(3, name="a"), -E.log(), rtol=0, atol=0)


@pytest.mark.parametrize("order", [list(LAWS), list(LAWS)[::-1]], ids=["forwards", "backwards"])
def test_numbers_do_not_depend_on_what_was_drawn_before(order: list[str]) -> None:
    source = noise()
    for law in order:
        assert torch.equal(getattr(source, law)(4), getattr(noise(), law)(4))


def test_generators_replay_and_differ_by_name() -> None:
    a, again, b = (noise().generator(name).random(5) for name in "aab")
    assert (a == again).all()
    assert not np.isin(a, b).any()


# ---------------------------------------------------------------- laws


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("law", LAWS)
def test_numbers_have_their_law(law: str, dtype: torch.dtype) -> None:
    numbers = getattr(noise(rows=MANY, dtype=dtype), law)(1).flatten()
    assert numbers.dtype == dtype
    assert stats.kstest(numbers.double(), LAWS[law]).pvalue > FALSE_FAIL


def test_columns_and_blocks_are_uncorrelated() -> None:
    """Spearman's rank correlation; 50,000 pairs see a correlation of 0.03."""
    columns = [*noise(rows=MANY).uniform(2).T, noise(rows=MANY, block=1).uniform(2)[:, 0]]
    for first, second in pairwise(columns):
        assert stats.spearmanr(first, second).pvalue > FALSE_FAIL


def test_laws_of_one_name_share_no_bits() -> None:
    """Short blocks, since rejections soon put two laws out of step; 2,000 pairs see a rank correlation of 0.15."""
    blocks = [noise(rows=1, block=block) for block in range(2000)]
    u, E = (torch.cat([getattr(block, law)(1) for block in blocks]) for law in ("uniform", "exponential"))
    assert stats.spearmanr(u, E).pvalue > FALSE_FAIL


# ---------------------------------------------------------------- the ends of the interval


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("end", [0.0, 2.0**-53, 1 - 2.0**-53, 1 - 2.0**-30])
def test_uniforms_and_what_follows_stay_off_the_ends(
    generating: Callable[[float], None], end: float, dtype: torch.dtype
) -> None:
    generating(end)
    u = noise(dtype=dtype).uniform(3)
    assert ((u > 0) & (u < 1)).all()
    assert torch.isfinite(noise(dtype=dtype).logistic(3)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_exponentials_are_never_zero(generating: Callable[[float], None], dtype: torch.dtype) -> None:
    generating(0.0)
    assert (noise(dtype=dtype).exponential(3) > 0).all()
    assert torch.isfinite(noise(dtype=dtype).gumbel(3)).all()


@pytest.mark.parametrize("law", ["uniform", "exponential"])
def test_float32_keeps_its_resolution_near_zero(generating: Callable[[float], None], law: str) -> None:
    generating(2.0**-45)
    assert (getattr(noise(dtype=torch.float32), law)(3) == 2.0**-45).all()


# ---------------------------------------------------------------- the rest of the program


@pytest.mark.parametrize("name", CATALOGUE)
def test_measure_leaves_global_generators_alone(name: str) -> None:
    facts = CATALOGUE[name]
    problem = {
        "normal": "normal_square",
        "bernoulli": "bernoulli_quadratic[dim=2,logit=1]",
        "categorical": "polynomial[classes=3,dim=2]",
        "gamma": "gamma_square",
        "poisson": "poisson_square",
        "subset": "subset_square",
        "elbo": "gaussian_elbo",
        "iwae": "gaussian_iwae",
    }[facts.families[0] if "mean" in facts.objectives else facts.objectives[0]]
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()
    config = {key: 1.0 for key, default in facts.config.items() if default is None}
    measure(problem, name, num_draws=100, timing=name == "rloo", **config)
    after = torch.get_rng_state(), random.getstate(), np.random.get_state()
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]
    assert all(np.array_equal(one, other) for one, other in zip(before[2], after[2], strict=True))
