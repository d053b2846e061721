"""The proof of an estimator: its mean is the gradient, and its variance is what is measured."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ...estimators.errors import InputError
from ..cells import measure_requests
from ..draws import Request
from ..exact import Truth
from ..problem import Problem
from ..records import Measurement
from ..resolve import problem_of
from .candidate import Candidate
from .exact_moments import SETTLED, Exact, exact, gradient
from .verdict import Broken, Finding

CATALOGUED = {
    "bernoulli": "bernoulli_quadratic[dim=2,logit=1,target=0.45]",
    "categorical": "polynomial[classes=3,dim=2]",
    "multivariate_normal": "multivariate_normal_square[dim=2]",
    "von_mises": "von_mises_cos",
    "geometric": "geometric_square[logit=1]",
}  # of the other families FAMILY_square
ROUNDING = {"bernoulli": 1e-11, "categorical": 1e-11, "subset": 1e-11, "normal": 1e-10}
QUADRATURE = 1e-7  # of the other families' rules
ROUGH = 1e-3  # relative: what they may miss of an integrand that is no polynomial; then draws decide
LEVEL = 1e-3  # of one statistical run; a failure takes two that are independent
FLOOR = 1e-4  # measured p-values go no lower
STANDARD_ERRORS = 5.5  # a bias of so many is caught with probability 0.9, at the strictest corrected level
SIMPLE = (-1, -2, 2, 3, 1 / 2, 1 / 3)  # factors that are forgotten
FULL = 6  # so many problems get all draws that were asked for; more share them
MEASURED_DRAWS = 2**13
WIDTHS = 3.0  # of a 95 % interval that the exact variance may lie off: 1e-8 for Normal errors


def problems(candidate: Candidate, family: str) -> list[Problem]:
    """Return the problems of the proof: one variable, several, a batch, and a catalogued one."""
    found = [candidate.problem(family, kind) for kind in ("one", "several", "batch")]
    return [*found, problem_of(CATALOGUED.get(family, f"{family}_square"))]


def cases(candidate: Candidate) -> Iterator[tuple[Problem, int, Request, Exact | None]]:
    """Yield each problem of the proof with S, the request and its exact moments where there are any."""
    for family in candidate.estimator.facts.families:
        for problem in problems(candidate, family):
            for S in candidate.sizes:
                one = candidate.request(problem, S)
                yield problem, S, one, exact(one, problem)


def mean(candidate: Candidate) -> Finding:
    """The mean of one draw is the gradient: exactly, or where noise cannot be integrated by a test."""
    known = candidate.estimator.facts
    worst, number, bias, by_test = 0.0, 0, 0.0, []
    for problem, S, one, found in cases(candidate):
        truth_ = gradient(problem)
        if found is None:
            by_test.append((problem, one, truth_))
            continue
        off = float((found.mean - truth_).norm())
        size = float(truth_.norm())
        allowed = ROUNDING.get(problem.node.family, QUADRATURE) * max(found.scale, float(truth_.abs().max()))
        if allowed < off <= ROUGH * size and not found.certain:
            by_test.append((problem, one, truth_))  # it is the rule that may be too coarse here
            continue
        number += 1
        bias = max(bias, off / size if size else 0.0)
        if known.unbiased and float((found.mean - truth_).abs().max()) > allowed:
            raise Broken(
                f"on '{problem.name}', S = {S}: the exact mean of a draw is {_shown(found.mean)}, the gradient "
                f"{_shown(truth_)}: off by {off / size:.2g} of its norm{_hint(found.mean, truth_)}; mend the formula, "
                "or say unbiased=False in its facts",
                mean=found.mean.flatten().tolist(),
                gradient=truth_.flatten().tolist(),
            )
        worst = max(worst, off / size if size else off)
    tested = _tested(candidate, by_test) if by_test else None
    parts = []
    if number and known.unbiased:
        parts.append(f"the exact mean is the gradient on {_count(number, 'pair')} of problem and S, to {worst:.0e}")
    elif number:
        parts.append(f"biased, as its facts say: the exact bias is up to {bias:.2g} of the gradient's norm")
        if bias < SETTLED and not by_test:
            parts.append("no bias was found: did you mean unbiased=True?")
    figures: dict[str, object] = {"exact": number, "tested": len(by_test), "largest_relative_bias": bias}
    if tested is not None:
        parts.append(tested.reason)
        figures |= tested.figures
    return Finding("; ".join(parts), figures)


def _tested(candidate: Candidate, cases: list[tuple[Problem, Request, Tensor]]) -> Finding:
    """Test by draws that the mean is the gradient: Holm's correction, and a failure takes two independent runs."""
    N, known = _draws_each(candidate, len(cases)), candidate.estimator.facts
    measured = [(problem, one, right, _measured(problem, one, right, N)) for problem, one, right in cases]
    detectable = max(
        STANDARD_ERRORS * math.sqrt(m.variance / N) / m.gradient_norm if m.variance and m.gradient_norm else 0.0
        for *_, m in measured
    )
    largest = max(
        math.sqrt(max(0.0, m.bias_sq)) / m.gradient_norm if m.bias_sq is not None and m.gradient_norm else 0.0
        for *_, m in measured
    )
    level = max(LEVEL, len(cases) * FLOOR)
    where = f"by draws on {_count(len(cases), 'pair')} whose noise is not integrated"
    if not known.unbiased:
        return Finding(
            f"{where}: over {N} draws each the bias is up to {largest:.2g} of the gradient's norm",
            {"largest_relative_bias": largest},
        )
    ordered = sorted(measured, key=lambda case: case[3].unbiased_p or 0.0)
    for place, (problem, one, right, m) in enumerate(ordered):
        if m.unbiased_p is None or m.unbiased_p > level / (len(cases) - place):
            break
        again = _measured(problem, one, right, 2 * N, seed=1)
        if again.unbiased_p is not None and again.unbiased_p <= level / (len(cases) - place):
            found = torch.tensor(again.gradient_mean, dtype=torch.float64)
            raise Broken(
                f"on '{problem.name}': the mean of {2 * N} draws is {_shown(found)}, the gradient {_shown(right)}, "
                f"p <= {again.unbiased_p:g} in two independent runs{_hint(found, right, 0.02)}; mend the "
                "formula, or say unbiased=False in its facts",
                mean=found.tolist(),
                gradient=right.flatten().tolist(),
            )
    return Finding(
        f"{where}: no bias over {N} draws each (false alarms {level**2:.0e}, two runs at {level:g} by Holm; a bias of "
        f"{detectable:.2g} of the gradient's norm would be seen with probability 0.9)",
        {"draws": N, "false_alarm": level**2, "detectable_relative_bias": detectable},
    )


def _draws_each(candidate: Candidate, cases: int) -> int:
    """Return N for each of the cases: the candidate's, or less where they are many, so that a check takes seconds."""
    return min(candidate.num_draws, FULL * candidate.num_draws // cases)


def _measured(problem: Problem, one: Request, exact: Tensor, N: int, seed: int = 0) -> Measurement:
    plain = dataclasses.replace(problem, tie=None)
    (found,) = measure_requests(plain, [one], Truth(exact.flatten(), "closed_form"), num_draws=N, seed=seed)
    if isinstance(found, InputError):
        raise found
    if found.status != "ok":
        raise Broken(f"on '{problem.name}': {found.num_nonfinite} of {N} draws are NaN or infinite")
    return found


def variance(candidate: Candidate) -> Finding:
    """Variance is finite, and where it is known exactly the measured one agrees with it."""
    compared, worst = 0, 0.0
    for problem, S, one, found in cases(candidate):
        if candidate.sizes[0] != S:
            continue
        m = _measured(problem, one, gradient(problem) if found is None else found.mean, MEASURED_DRAWS)
        if m.variance is None or not math.isfinite(m.variance):
            raise Broken(f"on '{problem.name}' the variance of {MEASURED_DRAWS} draws is not finite")
        if found is None or "heavy_tail" in m.marks or m.variance_upper is None or m.variance_lower is None:
            continue
        compared += 1
        half = (m.variance_upper - m.variance_lower) / 2
        slack = WIDTHS * half + SETTLED * max(found.scale, 1e-300) ** 2
        off = abs(m.variance - found.variance)
        if math.isfinite(slack) and off > slack and "rare_outcome" not in m.marks:
            raise Broken(
                f"on '{problem.name}', S = {S}: {MEASURED_DRAWS} draws have variance {m.variance:.4g}, the exact one "
                f"is {found.variance:.4g}: draws do not follow from the noise given, or rows are coupled",
                measured=m.variance,
                exact=found.variance,
            )
        worst = max(worst, off / half if 0 < half < math.inf else 0.0)
    if not compared:
        return Finding(f"finite over {MEASURED_DRAWS} draws; the exact one is not known")
    return Finding(
        f"finite; at the smallest S, on {_count(compared, 'problem')}, the exact one is measured to {worst:.2f} "
        "half-widths of its 95 % interval",
        {"compared": compared, "largest_deviation": worst},
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _shown(x: Tensor) -> str:
    numbers = [f"{value:.5g}" for value in x.flatten().tolist()]
    return f"({', '.join(numbers[:4])}{', ...' if len(numbers) > 4 else ''})"


def _hint(found: Tensor, exact: Tensor, tolerance: float = 1e-6) -> str:
    """Return what the mean is a multiple of, where that tells something: in several entries, or a simple one."""
    found, exact = found.flatten(), exact.flatten()
    factor = float(found @ exact / (exact @ exact)) if float(exact.norm()) else 0.0
    simple = len(found) > 1 or min(abs(factor - n) + abs(1 / n - 1 / (factor or 1)) for n in SIMPLE) < 4 * tolerance
    close = float((found - factor * exact).norm()) <= tolerance * float(found.norm())
    if not (simple and close) or min(abs(factor), abs(factor - 1)) < tolerance:
        return ""
    return f"; it is {factor:.4g} times the gradient, so a factor of {1 / factor:.4g} is missing"
