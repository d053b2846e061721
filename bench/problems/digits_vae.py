"""A categorical variational autoencoder on small binary images of digits."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear, softplus

from ...estimators.errors import InputError
from ...estimators.families.categorical import Categorical
from ..problem import Problem

_DATA = Path(__file__).parent / "data"  # its README.md says where the numbers come from
_LINEAR_BEYOND = 40.0  # softplus(l) = l there to the last bit of float64; at torch's own 20 it is not, by 2e-9


def problem(name: str, *, latents: int, classes: int) -> Problem:
    """Return f(x) = -log p(y | x) in nats, for each of 64 images y, at the encoder's logits for it.

    With the decoder's logits l(x), f(x) = sum_i softplus(l_i(x)) - l(x) . y. So the decoder runs once for a row
    that has 1 in place of the images, and only the product with y is made for every image. The KL of the ELBO is
    left out: it is analytic and needs no estimator.

    Args:
        name: full name.
        latents: L, the categorical variables of an image.
        classes: K, the classes of each.

    Returns:
        The problem with theta [64, L, K], whose cost takes x [..., 64 or 1, L, K] to [..., 64].

    Raises:
        InputError: if no weights are stored for these latents and classes.

    Source: Jang et al. 2017 (1611.01144), section 4.2, here on scikit-learn's digits in place of MNIST.
    """
    stored = _stored(latents, classes)

    @cache
    def model(dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
        return {key: torch.from_numpy(array).to(device, dtype) for key, array in stored.items()}

    def cost(x: Tensor) -> Tensor:
        m = model(x.dtype, x.device)
        logits = _perceptron(m, "decoder", x.flatten(-2))  # [..., 64 or 1, pixels]
        on = torch.einsum("...bi,bi->...b", logits, m["images"])  # [..., 64]
        return softplus(logits, threshold=_LINEAR_BEYOND).sum(-1) - on

    m = model(torch.float64, torch.device("cpu"))
    theta = _perceptron(m, "encoder", m["images"]).unflatten(-1, (latents, classes))
    return Problem(name, Categorical(theta), cost)


def _perceptron(m: Mapping[str, Tensor], network: str, x: Tensor) -> Tensor:
    """Return V tanh(W x + b) + c [..., out] of x [..., in]."""
    hidden = torch.tanh(linear(x, m[f"{network}_hidden_weight"], m[f"{network}_hidden_bias"]))
    return linear(hidden, m[f"{network}_output_weight"], m[f"{network}_output_bias"])


def _stored(latents: int, classes: int) -> dict[str, np.ndarray]:
    """Return the arrays of the trained model: weights [out, in] and biases, images [64, pixels], what they are."""
    path = _DATA / f"digits_vae_{latents}x{classes}.npz"
    if not path.is_file():
        sizes = [file.stem.removeprefix("digits_vae_").split("x") for file in sorted(_DATA.glob("digits_vae_*.npz"))]
        known = ", ".join(f"[latents={L},classes={K}]" for L, K in sizes)
        raise InputError(
            f"digits_vae[latents={latents},classes={classes}]: no such weights are stored; there are {known}; "
            "bench/problems/data/train_digits_vae.py trains others"
        )
    with np.load(path) as arrays:
        return dict(arrays)
