"""What a cell's moments say of the covariance of one draw."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .moments import Frame, Moments


@dataclass(frozen=True)
class Covariance:
    """Invariants of the covariance Sigma of one draw, and of its spread v = |g - mean|^2."""

    trace: float  # tr Sigma
    square: float  # tr Sigma^2
    spread: float  # Var v
    fourth: float  # sum of v^2
    along: float  # e' Sigma e for e = mean - exact, 0 without a truth


def part_sizes(N: int, B: int, like: Tensor) -> Tensor:
    """Return how many of N draws have equal i mod B [B]."""
    return N // B + (torch.arange(B, device=like.device) < N % B).to(like)


def covariance(m: Moments, frame: Frame) -> Covariance:
    """Return the invariants, moved from the pilot shift to the mean: h - d with d = mean h.

    Where sum h h^T was kept for the first draws alone, they tell Sigma's directions: tr Sigma^2 / (tr Sigma)^2,
    e' Sigma e, and what (h . d)^2 is, d being small.
    """
    N, head = m.count, m.head or m
    M = head.count
    d = m.h / N
    dd = float(d @ d)
    e = torch.zeros_like(d) if frame.exact is None else frame.shift + d - frame.exact
    trace = max(0.0, float(m.h2) - N * dd) / (N - 1)
    if head.outer is not None:
        first = head.h / M
        centred = head.outer - M * torch.outer(first, first)
        dHd = float(d @ head.outer @ d) * N / M
        along = float(e @ centred @ e) / (M - 1)
    else:
        B = frame.num_batches
        size = part_sizes(N, B, d)
        w = (m.batches.whole() - size[:, None] * d) / size.sqrt()[:, None]  # B vectors with covariance Sigma
        dHd = float((w @ d).square().sum()) * N / B + N * dd**2
        along = float((w @ e).square().sum()) / (B - 1)
    # sum of (|h|^2 - 2 h.d + |d|^2)^2
    fourth = float(m.h4) + 4 * dHd + N * dd**2 - 4 * float(d @ m.h2h) + 2 * dd * float(m.h2) - 4 * dd * N * dd
    fourth = max(fourth, (trace * (N - 1)) ** 2 / N)
    if m.head is not None:
        of_head = covariance(m.head, frame)
        square = of_head.square * (trace / of_head.trace) ** 2 if of_head.trace > 0 else trace**2
    elif m.outer is not None:
        square = _trace_of_square(N, float(centred.square().sum()), trace, fourth)
    else:
        gram = w @ w.T
        squares = float(gram.square().sum())
        square = _trace_of_square(B, squares, float(gram.trace()) / (B - 1), float(gram.diag().square().sum()))
    square = min(max(square, trace**2 / len(d)), trace**2)
    return Covariance(trace, square, max(0.0, fourth / N - (trace * (N - 1) / N) ** 2), fourth, along)


def _trace_of_square(n: int, squares: float, trace: float, fourth: float) -> float:
    """Return an estimate of tr Sigma^2 that is unbiased for every law with four moments.

    With S the sample covariance of n vectors and Q = sum |x_i - mean|^4 / (n - 1),
    (n-1) / (n (n-2) (n-3)) [(n-1)(n-2) tr S^2 + (tr S)^2 - n Q]
    (Srivastava 2005; Himeno & Yamada 2014, J. Multivariate Analysis 130).

    Args:
        n: number of vectors.
        squares: squared Frobenius norm of the centred sum of outer products, or of the centred Gram matrix.
        trace: tr S.
        fourth: sum of |x_i - mean|^4.
    """
    tr_S2 = squares / (n - 1) ** 2
    if n < 4:
        return tr_S2
    return (n - 1) / (n * (n - 2) * (n - 3)) * ((n - 1) * (n - 2) * tr_S2 + trace**2 - n * fourth / (n - 1))
