"""The results in the order of the page."""

from ..result import Result
from . import (
    arms,
    arsm,
    carms,
    disarm,
    double_cv,
    gumbel_rao,
    indecater,
    mohamed_cos,
    mohamed_exp,
    mohamed_square,
    polynomial,
    rebar_toy,
    reinmax_order,
    shared_bernoulli,
)

RESULTS: tuple[Result, ...] = tuple(
    module.RESULT
    for module in (
        mohamed_square, mohamed_exp, mohamed_cos, rebar_toy, disarm, arms, shared_bernoulli, double_cv, arsm, carms,
        indecater, polynomial, reinmax_order, gumbel_rao,
    )
)  # fmt: skip
