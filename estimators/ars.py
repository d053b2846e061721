"""ARS: augment, REINFORCE, swap; the choices of one Dirichlet vector, an entry swapped with each other one."""

from torch import Tensor

from ._swaps import actions, swaps
from .families.categorical import Categorical
from .noise import Noise


def sample(node: Categorical, noise: Noise, S: int) -> Tensor:
    """Return the K swapped actions of S Dirichlet vectors [N, S K, *B, D, K]; a swap holds for all D variables."""
    E = noise.exponential(S, *node.logits.shape)
    return actions(node, E, swaps(node.logits.shape[-1], E.device)[_reference(node, noise, S)])


def combine(node: Categorical, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return mean_i (F_m - mean_m F_m) (1 - K pi_j), F_m = f(argmin_k pi_k^(m <-> j) exp(-phi_k)): unbiased.

    Any cost and any reference class j will do; here j is drawn uniformly for each sample, so that no order of the
    classes matters. pi ~ Dirichlet(1, ..., 1) for each variable, pi^(m <-> j) has entries m and j swapped in all of
    them. All K actions are evaluated, equal ones too. Source: Yin et al. 2019 (1905.01413).
    """
    K = node.logits.shape[-1]
    S = values.shape[1] // K
    E = noise.exponential(S, *node.logits.shape)  # [N, S, *B, D, K]
    j = _reference(node, noise, S)[..., None, None].expand(*E.shape[:-1], 1)
    pi_j = E.gather(-1, j) / E.sum(-1, keepdim=True)  # [N, S, *B, D, 1]
    F = values.unflatten(1, (S, K)).movedim(2, -1)  # [N, S, *B, K]
    return ((F - F.mean(-1, keepdim=True)).unsqueeze(-2) * (1 - K * pi_j)).mean(1)


def _reference(node: Categorical, noise: Noise, S: int) -> Tensor:
    K = node.logits.shape[-1]
    return (noise.uniform(S, *node.batch_shape, name="reference") * K).long().clamp(max=K - 1)  # [N, S, *B]
