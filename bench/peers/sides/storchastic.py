"""storchastic's loop on the example it ships, examples/bernoulli_grad_var.py: three coins with one logit."""

import storch
import torch
from storch.method import ScoreFunction

from .torch_leaf import Run, mean_and_trace

PACKAGES = ("storchastic", "torch")


def build(*, num_samples: int, rows: int) -> tuple[Run, int]:
    """Return the side: the score function with leave-one-out baseline, one backward pass a draw."""
    torch.set_num_threads(1)
    target = torch.tensor([0.6, 0.51, 0.48])
    eta = torch.tensor(0.0, requires_grad=True)
    method = ScoreFunction("x", n_samples=num_samples, baseline_factory="batch_average")

    def draw() -> torch.Tensor:
        eta.grad = None
        x = method(torch.distributions.Bernoulli(logits=eta.repeat(3)))
        storch.add_cost(((x - target) ** 2).sum(-1), "cost")
        storch.backward()
        assert eta.grad is not None
        return eta.grad

    def run(seed: int) -> tuple[list[float], float]:
        torch.manual_seed(seed)
        return mean_and_trace(torch.stack([draw() for _ in range(rows)])[:, None])

    return run, rows
