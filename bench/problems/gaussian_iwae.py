"""The IWAE bound of a Gaussian model whose posterior is known."""

from ..problem import Problem
from .gaussian_elbo import guide, minus_log_joint


def problem(name: str, *, dim: int, particles: int, shift: float, stretch: float) -> Problem:
    """Return -E log mean_i p(x_i, y) / q(x_i) over particles, the model and q those of gaussian_elbo.

    Truth: by quadrature for two particles of one dimension, else by a reference run.
    Source: Burda et al. 2016 (1509.00519).
    """
    return Problem(name, guide(dim, shift, stretch), minus_log_joint, objective="iwae", particles=particles)
