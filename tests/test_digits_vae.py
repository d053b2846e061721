"""digits_vae: its cost, its truth and its provenance, each against a second way of getting at it."""

import hashlib
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from varbench.bench import problems
from varbench.bench.exact import truth
from varbench.bench.problem import Problem
from varbench.bench.problems import digits_vae
from varbench.estimators.errors import InputError

DATA = Path(problems.__file__).parent / "data"
NPZ = DATA / "digits_vae_8x4.npz"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(NPZ) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return digits_vae.problem("digits_vae[classes=4,latents=8]", latents=8, classes=4)


def slow_cost(stored: dict[str, np.ndarray], x: Tensor, images: Tensor) -> Tensor:
    """Binary cross-entropy [...] of images [..., 64] under a decoder written out, at points [..., 8, 4]."""
    W, b, V, c = (
        torch.tensor(stored[f"decoder_{key}"], dtype=x.dtype)
        for key in ("hidden_weight", "hidden_bias", "output_weight", "output_bias")
    )
    hidden = torch.tanh(x.reshape(*x.shape[:-2], 32) @ W.T + b)
    logits = hidden @ V.T + c
    return binary_cross_entropy_with_logits(logits, images.to(x).expand_as(logits), reduction="none").sum(-1)


def points(problem: Problem, kind: str) -> Tensor:
    """Three points [3, 64, 8, 4]: one-hot, inside the simplex, or anywhere."""
    z = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 64, 8, 4)))
    node = problem.node
    return {"hard": node.harden(z), "relaxed": node.soften(z, 0.5), "anywhere": 30 * z}[kind]


@pytest.mark.parametrize("kind", ["hard", "relaxed", "anywhere"])
def test_cost_and_slopes_are_those_of_the_cross_entropy(problem, stored, kind):
    x = points(problem, kind).requires_grad_()
    f, slow = problem.cost(x), slow_cost(stored, x, torch.from_numpy(stored["images"]))
    torch.testing.assert_close(f, slow, rtol=1e-12, atol=1e-12)
    (slope,), (slow_slope,) = torch.autograd.grad(f.sum(), x), torch.autograd.grad(slow.sum(), x)
    torch.testing.assert_close(slope, slow_slope, rtol=1e-12, atol=1e-12)


def test_cost_keeps_single_precision(problem):
    x = points(problem, "relaxed")
    f = problem.cost(x.float())
    assert f.dtype == torch.float32
    torch.testing.assert_close(f.double(), problem.cost(x), rtol=1e-5, atol=1e-5)


def test_one_point_for_all_images_is_the_point_repeated(problem):
    x = points(problem, "relaxed")[:, :1]
    f = problem.cost(x)
    assert f.shape == (3, 64)
    torch.testing.assert_close(f, problem.cost(x.expand(3, 64, 8, 4)), rtol=1e-13, atol=1e-13)


def test_truth_is_the_derivative_of_the_sum_over_all_outcomes(problem, stored):
    found = truth(problem)
    assert found.method == "enumeration"
    gradient = found.gradient.reshape(64, 8, 4)
    classes = torch.cartesian_prod(*[torch.arange(4)] * 8)  # [65536, 8]
    x = torch.eye(4, dtype=torch.float64)[classes]
    for image in (3, 58):
        phi = problem.node.theta[image].clone().requires_grad_()
        p = torch.softmax(phi, -1)[torch.arange(8), classes].prod(-1)
        (p * slow_cost(stored, x, torch.from_numpy(stored["images"][image]))).sum().backward()
        torch.testing.assert_close(gradient[image], phi.grad, rtol=1e-10, atol=1e-12)


def test_posteriors_are_neither_certain_nor_the_prior(problem):
    """A collapsed or a saturated model would leave the estimators nothing to differ in."""
    log_p = problem.node.log_probs
    entropy = -(log_p.exp() * log_p).sum(-1).mean(0)  # [8], of at most log 4
    assert entropy.min() > 0.2 * math.log(4)
    assert entropy.max() < 0.9 * math.log(4)


def test_theta_is_the_encoder_at_the_images(problem, stored):
    y = stored["images"].astype(np.float64)
    hidden = np.tanh(y @ stored["encoder_hidden_weight"].T.astype(np.float64) + stored["encoder_hidden_bias"])
    logits = hidden @ stored["encoder_output_weight"].T.astype(np.float64) + stored["encoder_output_bias"]
    assert problem.node.theta.dtype == torch.float64
    np.testing.assert_allclose(problem.node.theta.numpy(), logits.reshape(64, 8, 4), rtol=1e-12, atol=1e-12)


def test_images_are_the_binarised_digits(stored):
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    assert stored["indices"].tolist() == list(range(1500, 1564))
    np.testing.assert_array_equal(stored["images"], digits.data[stored["indices"]] > 8)
    np.testing.assert_array_equal(stored["labels"], digits.target[stored["indices"]])


def test_the_stored_file_is_the_one_described():
    described = re.findall(r"\b[0-9a-f]{64}\b", (DATA / "README.md").read_text(encoding="utf-8"))
    committed = sorted(DATA.glob("*.npz"), reverse=True)  # the small model comes first in both
    assert described == [hashlib.sha256(path.read_bytes()).hexdigest() for path in committed]


def test_other_sizes_are_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"latents=5,classes=3.*latents=8,classes=4"):
        digits_vae.problem("digits_vae[classes=3,latents=5]", latents=5, classes=3)


def test_the_larger_model_is_the_same_problem_beyond_enumeration():
    problem = digits_vae.problem("digits_vae[classes=10,latents=20]", latents=20, classes=10)
    assert problem.node.theta.shape == (64, 20, 10)
    found = truth(problem)
    assert found.gradient is None
    assert "joint outcomes" in found.reason
    value = problem.cost(problem.node.probs.unsqueeze(0))
    assert value.shape == (1, 64)
    assert 5 < float(value.mean()) < 40  # nats an image at the mean code; the trained model's ELBO is -17.5
