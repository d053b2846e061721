"""The unordered set estimator: joint outcomes without replacement, whatever order they came in."""

import torch
from torch import Tensor

from .errors import InputError
from .estimator import weighted
from .node import Discrete
from .noise import Noise
from .without_replacement import gumbel_top_k, mass_outside

MAX_SAMPLES = 10  # there are 2^S subsets of a set of S
LEAST_LOG_P = -1e5  # stands for log 0, so that a class of probability 0 has an order among its like


def sample(node: Discrete, noise: Noise, S: int) -> Tensor:
    """Return S joint outcomes without replacement [N, min(S, M), *B, *event]; M, the number of joint outcomes, is all.

    Raises:
        InputError: for more than 10 samples.
    """
    if S > MAX_SAMPLES:
        raise InputError(
            f"num_samples={S}: 'unordered_set' sums over all subsets of its samples; take at most {MAX_SAMPLES}"
        )
    return gumbel_top_k(node, noise, S)


def combine(node: Discrete, noise: Noise, x: Tensor, values: Tensor, slopes: Tensor | None) -> Tensor:
    """Return sum_{s in S} p(s) R(S, s) grad log p(s) [f(s) - sum_{s' in S} p(s') R^{D\\s}(S, s') f(s')].

    R(S, s) = P^{D\\s}(S\\s) / P(S) is the leave-one-out ratio, P(S) the probability to draw the set S in any order,
    P^{D\\s} that where s is not in the domain; R^{D\\s}(S, s') = P^{D\\s,s'}(S\\s,s') / P^{D\\s}(S\\s) for s' != s, and
    1 for s' = s. Unbiased for any cost, with S >= 2; exact where S holds all outcomes.

    Let W be the mass outside S, and h(U) the probability that, once S\\U is drawn, U comes next, in any order:
    h(U) = sum_{u in U} p(u) / (W + p(U)) h(U\\u), h({}) = 1. It does not ask what was drawn before, therefore
    P(S) = h(S), P^{D\\s}(S\\s) = h(S\\s), P^{D\\s,s'}(S\\s,s') = h(S\\s,s'): one sum over the 2^k subsets, of positive
    terms, gives all ratios, where the paper has a sum over k! orders or a numerical integral.

    Source: Kool et al. 2020 (2002.06043), the estimator with the built-in baseline.
    """
    log_p = node.log_prob(x)  # [N, k, *B]
    k = log_p.shape[1]
    log_h = log_set_probabilities(log_p)  # [2^k, N, *B]
    full = 2**k - 1
    one_less = [full & ~(1 << s) for s in range(k)]
    weights = torch.stack([log_p[:, s] + log_h[one_less[s]] - log_h[full] for s in range(k)], 1).exp()  # p R
    advantages = []
    for s in range(k):
        baseline = log_p[:, s].exp() * values[:, s]
        for other in range(k):
            if other != s:
                ratio = log_h[one_less[s] & one_less[other]] - log_h[one_less[s]]
                baseline = baseline + (log_p[:, other] + ratio).exp() * values[:, other]
        advantages.append(values[:, s] - baseline)
    return weighted(weights * torch.stack(advantages, 1), node.score(x)).sum(1)


def log_set_probabilities(log_p: Tensor) -> Tensor:
    """Return log h(U) [2^k, N, *B] for all subsets U of outcomes of log p [N, k, *B]: bit s of U's number is s in U."""
    k = log_p.shape[1]
    outside = mass_outside(log_p)[:, 0].log()
    log_p = log_p.clamp(min=LEAST_LOG_P)
    log_mass, log_h = [outside], [torch.zeros_like(outside)]  # log (W + p(U)), log h(U)
    for U in range(1, 2**k):
        members = [s for s in range(k) if U >> s & 1]
        log_mass.append(torch.logaddexp(log_mass[U & (U - 1)], log_p[:, members[0]]))
        terms = torch.stack([log_p[:, s] + log_h[U & ~(1 << s)] for s in members])
        log_h.append(terms.logsumexp(0) - log_mass[U])
    return torch.stack(log_h)
