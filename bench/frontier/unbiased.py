"""The estimator of least variance among those that are unbiased for every quadratic cost."""

from __future__ import annotations

import numpy as np

from .costs import Array


def least_variance_unbiased(probs: Array) -> Array:
    """Return its matrices M_D [K, K, K], by one solve with a Laplacian of size K.

    M_D g is unbiased for all quadratics exactly if M_i[:, i] = (e_i - p) / 2 and the flows w_ij = p_i M_i[:, j]
    between different classes are antisymmetric and carry p_i (e_i - p) / 2 into i, sum_j w_ji = p_i (e_i - p) / 2.
    Under any law of quadratics that does not tell classes apart the variance of such an M is a constant plus a
    multiple of sum_{i < j} |w_ij|^2 (1 / p_i + 1 / p_j): the heat of a network of conductances c_ij = p_i p_j / (p_i +
    p_j), whose least is the flow of a potential,

        w_ij = c_ij (u_j - u_i),   sum_j c_ij (u_i - u_j) = p_i (e_i - p) / 2.

    With c_ij = p_i p_j the same equations have the solution u_i = e_i / 2, which is reinmax at temperature 1. Derived
    here; docs/frontier.md gives the proof.

    Args:
        probs: p [K], all positive.
    """
    p = np.asarray(probs, dtype=np.float64)
    e = np.eye(len(p))
    sources = p[:, None] * (e - p) / 2  # [K, K]: a vector for each class
    conductances = np.outer(p, p) / np.add.outer(p, p)
    laplacian = np.diag(conductances.sum(1)) - conductances
    u = np.linalg.pinv(laplacian, hermitian=True) @ sources
    flows = conductances[:, :, None] * (u[None] - u[:, None])  # [i, j, :]: w_ij
    M = np.swapaxes(flows / p[:, None, None], 1, 2)
    for i in range(len(p)):
        M[i, :, i] = (e[i] - p) / 2
    return M
