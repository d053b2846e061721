"""Coefficients of control variates, by regression on draws that no measurement shares."""

import torch
from torch import Tensor


def coefficient(draws: Tensor, control: Tensor, rows: int = 0) -> Tensor:
    """Return a = -cov(draws, control) / var(control) over axis ``rows``, where draws + a control varies least.

    A control that does not vary gets 0.
    """
    centred = control - control.mean(rows, keepdim=True)
    covariance = ((draws - draws.mean(rows, keepdim=True)) * centred).mean(rows)
    variance = centred.square().mean(rows)
    return torch.where(variance > 0, -covariance / variance, 0)


def coefficients(draws: Tensor, controls: Tensor) -> Tensor:
    """Return a [M] that minimises the trace of the covariance of draws [N, n] + sum_m a_m controls [N, n, M].

    Each control is scaled to variance 1 first; directions in which they do not vary get 0.
    """
    draws = (draws - draws.mean(0)).flatten()
    controls = (controls - controls.mean(0)).flatten(0, 1)
    size = controls.norm(dim=0)
    scaled = controls / torch.where(size > 0, size, 1)
    inverse = torch.linalg.pinv(scaled.T @ scaled, rtol=1e-3 * torch.finfo(draws.dtype).eps ** 0.5, hermitian=True)
    return -(inverse @ (scaled.T @ draws)) / torch.where(size > 0, size, 1)
