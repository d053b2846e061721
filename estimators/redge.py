"""ReDGE: a categorical variable as a few deterministic denoising steps from Gaussian noise."""

from torch import Tensor

from ._pairs import paired, unpaired
from .errors import InputError
from .families.categorical import Categorical
from .node import Discrete
from .noise import Noise

LAST_ALPHA = 1e-4


def schedule(steps: int, first_time: float) -> tuple[list[float], list[float]]:
    """Return alpha_t and sigma_t = 1 - alpha_t at the times 1 ... steps, from 1 - first_time down to 1e-4.

    Raises:
        InputError: for a first time that is not above 0 and below 1.
    """
    if not 0 < first_time < 1 - LAST_ALPHA:
        raise InputError(f"redge: first_time={first_time}; it must lie between 0 and {1 - LAST_ALPHA}, e.g. 0.5")
    top = 1 - first_time
    alphas = [top + (LAST_ALPHA - top) * t / max(steps - 1, 1) for t in range(steps)]
    return alphas, [1 - alpha for alpha in alphas]


def denoised(node: Discrete, noise: Noise, S: int, steps: int, first_time: float) -> list[Tensor]:
    """Return the denoiser's predictions xhat_t [N, S, *B, D, K] at the times t = 1 ... steps."""
    alphas, sigmas = schedule(steps, first_time)
    choices = Categorical(paired(node, node.theta))
    x = noise.normal(S, *choices.logits.shape)
    predictions = []
    for t in reversed(range(steps)):
        xhat = choices.soften(choices.log_probs + alphas[t] / sigmas[t] ** 2 * x, 1.0)
        predictions.append(xhat)
        if t > 0:
            kept = sigmas[t - 1] / sigmas[t]
            x = (alphas[t - 1] - kept * alphas[t]) * xhat + kept * x
    return predictions[::-1]


def sample(node: Discrete, noise: Noise, S: int, *, steps: int = 2, first_time: float = 0.5) -> Tensor:
    """Return y = xhat_1, the last prediction of the clean one-hot vector [N, S, *B, *event]."""
    return unpaired(node, denoised(node, noise, S, steps, first_time)[0])


def combine(
    node: Discrete,
    noise: Noise,
    y: Tensor,
    values: Tensor | None,
    slopes: Tensor,
    *,
    steps: int = 2,
    first_time: float = 0.5,
) -> Tensor:
    """Return mean_i (dy_i/dphi)^T f'(y_i), through all denoising steps.

    From x_T = e ~ N(0, I) each step predicts xhat_t = softmax(phi + alpha_t x_t / sigma_t^2), which is E[x_0 | x_t]
    under x_t = alpha_t x_0 + sigma_t e, and moves to x_{t-1} = alpha_{t-1} xhat_t + sigma_{t-1} (x_t - alpha_t xhat_t)
    / sigma_t (DDIM); y = xhat_1. The schedule is the authors': sigma = 1 - alpha, alpha linear from 1 - first_time at
    t = 1 to 1e-4 at t = T; their setting is T = 2 (they count time 0 too and say 3) and 1/2. They also draw
    a hard sample from y and go straight through: ``st_redge``. The mean is the gradient of E f(y); E y
    is not p. Source: Gourevitch et al. 2026 (2601.00781).
    """
    alphas, sigmas = schedule(steps, first_time)
    predictions = denoised(node, noise, y.shape[1], steps, first_time)
    choices = Categorical(paired(node, node.theta))
    u = choices.pullback(predictions[0], paired(node, slopes))  # in the logits of xhat_1
    gradient, on_x = u, alphas[0] / sigmas[0] ** 2 * u
    for t in range(1, steps):
        kept = sigmas[t - 1] / sigmas[t]
        u = choices.pullback(predictions[t], (alphas[t - 1] - kept * alphas[t]) * on_x)
        gradient = gradient + u
        on_x = alphas[t] / sigmas[t] ** 2 * u + kept * on_x
    return unpaired(node, gradient.mean(1))
