"""Train the categorical variational autoencoder whose weights ``digits_vae`` loads.

    python bench/problems/data/train_digits_vae.py

The model of an image y in {0, 1}^64 with L latents of K classes, x one-hot [L, K]:

    p(x) = uniform,    p(y | x) = Bernoulli(decoder(x)),    q(x | y) = Categorical(encoder(y))
    ELBO = E_q[log p(y | x)] - KL(q(x | y) || p(x)),    KL = sum_lk q_lk log(K q_lk)

The gradient through x is the straight-through Gumbel-Softmax (Jang et al. 2017, 1611.01144). One seed, one thread
and one set of versions give the same weights on one type of CPU; elsewhere rounding grows over the steps into other
weights. Therefore the weights are committed and this script is their provenance: see README.md beside it.
"""

import argparse
import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

PIXELS = 64
HIDDEN = 128
NUM_TEST = 297  # the last images
NUM_IMAGES = 64  # of the test set, stored with the weights
MINIBATCH = 100
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
TEMPERATURES = (1.0, 0.5)  # first and last, falling geometrically
WARM_UP = 0.3  # share of the epochs over which the weight of the KL rises from 0 to 1
FLIPPED = 0.05  # share of the pixels flipped in what the encoder sees in training
ELBO_SAMPLES = 1000
ACTIVE_NATS = 0.01  # a latent of less mean KL than this is unused


class DigitsVAE(nn.Module):
    """Encoder and decoder, each with one hidden layer of tanh: smooth, so that relaxed points have slopes.

    Args:
        latents: L.
        classes: K.
    """

    def __init__(self, latents: int, classes: int) -> None:
        super().__init__()
        self.shape = (latents, classes)
        self.encoder = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, latents * classes))
        self.decoder = nn.Sequential(nn.Linear(latents * classes, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, PIXELS))

    def posterior(self, images: Tensor) -> Tensor:
        """Return log q(x | y) [*B, L, K] of images [*B, 64]."""
        return self.encoder(images).unflatten(-1, self.shape).log_softmax(-1)

    def log_likelihood(self, images: Tensor, x: Tensor) -> Tensor:
        """Return log p(y | x) [...] of images [..., 64] at points [..., L, K]."""
        logits = self.decoder(x.flatten(-2))
        return -F.binary_cross_entropy_with_logits(logits, images.expand_as(logits), reduction="none").sum(-1)


def divergence(log_q: Tensor) -> Tensor:
    """Return KL(q || uniform) of each latent [*B, L], in nats."""
    return (log_q.exp() * log_q).sum(-1) + math.log(log_q.shape[-1])


def load_images() -> tuple[Tensor, np.ndarray]:
    """Return the 1,797 digits as bits [1797, 64], 1 where the pixel (0 to 16) exceeds 8, and their labels."""
    digits = load_digits()
    return torch.from_numpy((digits.data > 8).astype(np.float32)), digits.target


def train(images: Tensor, latents: int, classes: int, epochs: int) -> DigitsVAE:
    """Return the model fitted to images [M, 64].

    Two departures from plain ascent of the ELBO: the weight of the KL rises from 0 to 1, without which some latents
    stay at their prior; and the encoder sees images with a few pixels flipped, without which it overfits.
    """
    model = DigitsVAE(latents, classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    first, last = TEMPERATURES
    for epoch in range(epochs):
        temperature = first * (last / first) ** (epoch / epochs)
        weight = min(1.0, (epoch + 1) / (WARM_UP * epochs))
        for y in images[torch.randperm(len(images))].split(MINIBATCH):
            flips = (torch.rand_like(y) < FLIPPED).to(y.dtype)
            log_q = model.posterior((y - flips).abs())
            x = F.gumbel_softmax(log_q, temperature, hard=True)
            loss = (weight * divergence(log_q).sum(-1) - model.log_likelihood(y, x)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def report(model: DigitsVAE, images: Tensor, what: str) -> None:
    """Print the ELBO, its standard error over the samples, and what the latents carry."""
    log_q = model.posterior(images)  # [M, L, K]
    q = torch.distributions.OneHotCategorical(logits=log_q)
    samples = torch.stack([model.log_likelihood(images, q.sample()) for _ in range(ELBO_SAMPLES)])  # [S, M]
    kl = divergence(log_q)
    elbo = samples.mean() - kl.sum(-1).mean()
    standard_error = (samples.var(0).mean() / samples.numel()).sqrt()
    entropy = math.log(model.shape[1]) - kl  # [M, L]
    print(f"{what}: ELBO {elbo:.3f} +- {standard_error:.3f} nats an image, KL {kl.sum(-1).mean():.2f}")
    print(f"  active latents {int((kl.mean(0) > ACTIVE_NATS).sum())} of {model.shape[0]}")
    print(f"  posterior entropy of each, nats: {' '.join(f'{h:.2f}' for h in entropy.mean(0))}")


def save(model: DigitsVAE, bits: Tensor, labels: np.ndarray, path: Path) -> None:
    """Write the weights (float32, [out, in] as torch has them) and the first images of the test set."""
    names = {"0": "hidden", "2": "output"}
    arrays = {}
    for key, value in model.state_dict().items():
        network, layer, kind = key.split(".")
        arrays[f"{network}_{names[layer]}_{kind}"] = value.numpy()
    indices = np.arange(NUM_IMAGES) + len(bits) - NUM_TEST
    np.savez(
        path,
        **arrays,
        images=bits[indices].numpy().astype(np.uint8),
        indices=indices,
        labels=labels[indices].astype(np.uint8),
    )


def main() -> None:
    """Train, report and save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--latents", type=int, default=8)
    parser.add_argument("--classes", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="default: digits_vae_<latents>x<classes>.npz beside this script")
    given = parser.parse_args()
    out = given.out or Path(__file__).with_name(f"digits_vae_{given.latents}x{given.classes}.npz")

    torch.set_num_threads(1)  # sums in one order
    torch.manual_seed(given.seed)
    bits, labels = load_images()
    model = train(bits[:-NUM_TEST], given.latents, given.classes, given.epochs)
    report(model, bits[:-NUM_TEST], "train")
    report(model, bits[-NUM_TEST:], "test")
    report(model, bits[-NUM_TEST:][:NUM_IMAGES], "stored images")
    save(model, bits, labels, out)
    print(f"{out.name}: {out.stat().st_size} bytes, sha256 {hashlib.sha256(out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
