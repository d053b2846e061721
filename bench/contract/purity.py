"""Properties of an estimator as a pure function: repeatable, writes nowhere, rows and nodes apart, the same bits."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import chi2
from torch import Tensor

from ..blocks import run_block
from .candidate import ROWS, Candidate, OtherRows, evaluated, noise_key, watched
from .verdict import Broken, Finding

SAME = 1e-9  # relative to the largest: other rows may change the last bits of a row, no more
BLOCK_ROWS, BLOCKS, FALSE_ALARM = 64, 400, 1e-6


def repeatable(candidate: Candidate) -> Finding:
    """The same noise gives the same draws, and the global random state is left alone."""
    for family in candidate.estimator.facts.families:
        problem = candidate.problem(family, "several")
        candidate.request(problem, candidate.sizes[0])
        states = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state()  # type: ignore[index]
        first = candidate.run(problem)
        then = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state()  # type: ignore[index]
        used = [
            name
            for name, a, b in zip(("random", "numpy.random", "torch's global generator"), states, then, strict=True)
            if not (torch.equal(a, b) if isinstance(a, Tensor) else a == b)
        ]
        if used:
            raise Broken(
                f"on {family} nodes it draws from {used[0]}: take all randomness from noise (noise.uniform, "
                ".normal, .gumbel, ... with a name), so that a seed gives the same numbers to the bit"
            )
        second = candidate.run(problem)
        for half, a, b in (("points", first.points, second.points), ("draws", first.draws, second.draws)):
            if not torch.equal(a, b):
                raise Broken(
                    f"on {family} nodes the same noise gave other {half} the second time: sample and combine must "
                    "be pure functions, with no state of their own; what is learned belongs into fit"
                )
    return Finding("the same noise gives the same draws; global random states untouched")


def untouched(candidate: Candidate) -> Finding:
    """It writes neither into noise nor into points, values, slopes or theta."""
    for family in candidate.estimator.facts.families:
        problem = candidate.problem(family, "several")
        one, noise = candidate.request(problem, candidate.sizes[0]), watched(problem)
        theta = problem.node.theta.clone()
        points = one.sample(problem, noise)
        half, written = "sample", noise.overwritten()
        if not written:
            values, slopes = evaluated(one, problem, points)
            given = {"points": points, "values": values, "slopes": slopes, "theta": problem.node.theta}
            before = {name: part.clone() for name, part in given.items() if part is not None} | {"theta": theta}
            one.combine(problem, noise, points, values, slopes)
            half = "combine"
            written = noise.overwritten()
            written += [name for name, part in before.items() if not torch.equal(part, given[name])]  # type: ignore[arg-type]
        if written:
            raise Broken(
                f"on {family} nodes {half} writes into {written[0]}: noise is replayed, and other estimators share "
                "points and values; leave in-place operations (x += ..., x[...] = ..., .clamp_()) out, or clone first"
            )
    return Finding("noise, points, values, slopes and theta are left as they were")


def rows(candidate: Candidate) -> Finding:
    """Draw n does not change when the noise, points and values of the other rows do."""
    advice, streams = "take means over axis 1 (P), never over axis 0 (N)", []
    for family in candidate.estimator.facts.families:
        problem = candidate.problem(family, "several")
        one = candidate.request(problem, candidate.sizes[0])
        first, other = candidate.run(problem), candidate.run(problem, watched(problem, seed=1))
        slopes = None if first.slopes is None or other.slopes is None else _first_of(first.slopes, _far(other.slopes))
        points, values = _first_of(first.points, other.points), _first_of(first.values, _far(other.values))
        draws = one.combine(problem, watched(problem), points, values, slopes)
        if not _same(draws[0], first.draws[0], first.draws):
            raise Broken(
                f"on {family} nodes the draw of row 0 changes when values and points of the other rows do: "
                f"combine mixes rows; {advice}"
            )
        noise = watched(problem)
        one.sample(problem, noise)
        if noise.streams:
            streams.append(family)
            continue
        for kept, what in ((slice(0, 1), "row 0"), (slice(1, None), "rows 1, 2, ...")):
            run = candidate.run(problem, OtherRows(kept, *noise_key(problem)))
            for half, a, b in (("sample", run.points, first.points), ("combine", run.draws, first.draws)):
                if not _same(a[kept], b[kept], b):
                    raise Broken(
                        f"on {family} nodes {half} gives {what} other {'points' if half == 'sample' else 'draws'} when "
                        f"only the noise of the other rows changes: it mixes rows; {advice}"
                    )
    if streams:
        return Finding(
            f"each draw follows from its own row of points and values; on {' and '.join(streams)} nodes sample takes a "
            "generator, whose rows cannot be exchanged: what it makes of them was not looked at row by row"
        )
    return Finding("each draw follows from its own row of noise, points and values")


def _first_of(a: Tensor, b: Tensor) -> Tensor:
    return torch.cat([a[:1], b[1:]])


def _far(values: Tensor) -> Tensor:
    """Return values far from any of the cost's: a median over rows would not see others that are like it."""
    return values + 10 * (1 + values.abs().max())


def _same(a: Tensor, b: Tensor, scale: Tensor) -> bool:
    return bool(((a - b).abs() <= SAME * float(scale.abs().max())).all())


def nodes(candidate: Candidate) -> Finding:
    """In a batch the draw of a node follows from its own points and values."""
    for family in candidate.estimator.facts.families:
        problem = candidate.problem(family, "batch")
        one = candidate.request(problem, candidate.sizes[0])
        first, other = candidate.run(problem), candidate.run(problem, watched(problem, seed=1))
        parts = []
        for a, b in ((first.points, other.points), (first.values, other.values), (first.slopes, other.slopes)):
            part = None if a is None else a.clone()
            if part is not None and b is not None:
                part[:, :, 1:] = b[:, :, 1:] if b is other.points else _far(b)[:, :, 1:]
            parts.append(part)
        draws = one.combine(problem, watched(problem), *parts)  # type: ignore[arg-type]
        if not _same(draws[:, 0], first.draws[:, 0], first.draws):
            raise Broken(
                f"in a batch of {family} nodes the draws of node 0 change when points and values of the other nodes "
                "do: it mixes nodes; sums over *event count their axes from the end, and none goes over *B"
            )
    return Finding("each node of a batch is weighed by its own values")


def independent(candidate: Candidate) -> Finding:
    """Rows and blocks are independent: means of blocks vary like the variance of the rows over their number.

    BLOCKS - 1 times the ratio is chi^2 but for a small excess of kurtosis.
    """
    family = candidate.estimator.facts.families[0]
    problem = candidate.problem(family, "several")
    one = candidate.request(problem, candidate.sizes[0])
    if candidate.estimator.facts.deterministic:
        return Finding("every draw is the same number, as its facts say")
    blocks = []
    for number in range(BLOCKS):
        (draws,) = run_block(problem, [one], 0, number, BLOCK_ROWS).draws
        if not isinstance(draws, Tensor):
            raise draws
        blocks.append(draws.reshape(BLOCK_ROWS, -1))
    found = torch.stack(blocks)  # [blocks, rows, entries]
    entry = int(found.flatten(0, 1).var(0).argmax())
    found = found[..., entry]
    within = float(found.var(1).mean())
    spread = float(found.flatten().var())
    ratio = float(found.mean(1).var()) * BLOCK_ROWS / within if within > 0 else (float("inf") if spread > 0 else 1.0)
    low, high = chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], BLOCKS - 1) / (BLOCKS - 1)
    figures = {"ratio": ratio, "lower": float(low), "upper": float(high), "false_alarm": FALSE_ALARM}
    if not low < ratio < high:
        raise Broken(
            f"means of {BLOCK_ROWS} draws vary {ratio:.3g} times as much as those of independent draws (1 within "
            f"{low:.2f} to {high:.2f}): rows share noise, or are coupled; give each row its own, noise.uniform(S, ...)",
            **figures,
        )
    return Finding(f"means of {BLOCK_ROWS} draws vary {ratio:.3f} times as much as those of independent draws", figures)


def bits(candidate: Candidate) -> Finding:
    """Draws have the same bits with one thread and two, alone and sharing their points."""
    before = torch.get_num_threads()
    for family in candidate.estimator.facts.families:
        problem = candidate.problem(family, "several")
        one = candidate.request(problem, candidate.sizes[0])
        try:
            torch.set_num_threads(1)
            (alone,) = run_block(problem, [one], 0, 0, 64 * ROWS).draws
            shared = run_block(problem, [one, one], 0, 0, 64 * ROWS).draws
            torch.set_num_threads(2)
            (threads,) = run_block(problem, [one], 0, 0, 64 * ROWS).draws
        finally:
            torch.set_num_threads(before)
        _equal(family, "two threads", [threads], alone)
        _equal(family, "sharing its points with another estimator", shared, alone)
    return Finding("the same for one thread and two, alone and sharing points")


def _equal(family: str, how: str, found: Sequence[object], alone: object) -> None:
    if not isinstance(alone, Tensor):
        raise Broken(str(alone))
    for draws in found:
        if not isinstance(draws, Tensor) or not torch.equal(draws, alone):
            raise Broken(
                f"on {family} nodes the draws with {how} are not those of one thread, alone: replace what sums in an "
                "order of its own (a matrix product over the axis of rows, atomics), and write into nothing given"
            )
