"""Pathwise estimators with coupled points: antithetic pairs and rqmc."""

import math

import pytest
import torch
from torch.quasirandom import SobolEngine

from varbench.estimators import rqmc
from varbench.estimators.errors import InputError
from varbench.estimators.estimator import load
from varbench.estimators.families.normal import Normal

from . import proofs  # noqa: F401  (enters the rules)
from .coupled_gaussians import assert_moments_of_rqmc
from .exact_moments import RULES, FixedNoise, moments, polynomial

ONE = Normal(torch.tensor([[1.0], [1.0]], dtype=torch.float64))
TWO = Normal(torch.tensor([[0.5, -1.0], [1.3, 0.4]], dtype=torch.float64))


@pytest.mark.parametrize("pairs", [1, 2])
@pytest.mark.parametrize("k", [-1.5, 0.0, 3.0])
def test_variance_of_antithetic_pairs_on_the_square_is_its_closed_form(k: float, pairs: int) -> None:
    """The location's part is f'(mu), which does not vary; a pair's scale is 2 e^2, whose variance is 8."""
    rule = RULES["antithetic"](ONE, 2 * pairs)
    _, variance = moments(load("antithetic"), ONE, lambda x: (x - k).square().sum(-1), rule, 2 * pairs)
    assert math.isclose(variance, 8 / pairs, rel_tol=1e-11)


@pytest.mark.parametrize("S", [2, 4, 16])
def test_moments_of_rqmc_in_one_dimension(S: int) -> None:
    assert_moments_of_rqmc(load("rqmc"), ONE, polynomial(ONE, 3), S)


@pytest.mark.parametrize("S", [2, 4])
def test_mean_of_rqmc_in_two_dimensions(S: int) -> None:
    assert_moments_of_rqmc(load("rqmc"), TWO, polynomial(TWO, 3), S)


def test_digits_of_rqmc_are_those_of_the_sequence_shifted() -> None:
    """Digit by digit, for shifts of 30 digits, in 5 dimensions."""
    D, S = 5, 8
    node = Normal(torch.stack([torch.zeros(D), torch.ones(D)]).double())
    shift = torch.randint(2**30, (3, 1, D), generator=torch.Generator().manual_seed(0)).double() / 2**30
    x = rqmc.sample(node, FixedNoise(3, uniform_x=shift), S)
    table = SobolEngine(D).draw(S, dtype=torch.float64)
    for n in range(3):
        for i in range(S):
            for d in range(D):
                u, digits, shifts = 0.0, float(table[i, d]), float(shift[n, 0, d])
                for place in range(1, 31):
                    digits, shifts = 2 * digits, 2 * shifts
                    u += (int(digits) != int(shifts)) * 0.5**place
                    digits, shifts = digits - int(digits), shifts - int(shifts)
                expected = torch.special.ndtri(torch.tensor(u + 2.0**-54, dtype=torch.float64))
                torch.testing.assert_close(x[n, i, d], expected, rtol=1e-9, atol=1e-12)


def test_rqmc_refuses_what_it_has_no_points_for() -> None:
    noise = FixedNoise(1, uniform_x=torch.full((1, 1, 1), 0.3))
    with pytest.raises(InputError, match=r"num_samples=6.*power of two, e\.g\. 8"):
        rqmc.sample(ONE, noise, 6)
    large = Normal(torch.ones(2, 21_202))
    with pytest.raises(InputError, match="21202 dimensions"):
        rqmc.sample(large, noise, 2)
