"""Peak bytes against arithmetic."""

import torch

from varbench import measure
from varbench.bench.memory import LiveBytes


def test_what_is_dropped_no_longer_counts() -> None:
    with LiveBytes() as live:
        a = torch.zeros(1000, dtype=torch.float64)
        b = a + 1
        del a
        c = b * 2
        del b, c
        torch.zeros(10)
    assert live.peak == 2 * 8000


def test_views_share_their_storage() -> None:
    with LiveBytes() as live:
        a = torch.zeros(1000, dtype=torch.float64)
        b = a.reshape(10, 100)[2:]
        b.expand(5, 8, 100)
    assert live.peak == 8000


def test_what_a_backward_pass_keeps_is_counted() -> None:
    with LiveBytes() as live:
        x = torch.zeros(1000, dtype=torch.float64).requires_grad_()
        y = x.sin().exp().sum()  # both results are kept for the way back
        assert live.peak >= 3 * 8000
        y.backward()


def test_a_measurement_reports_the_peak_of_a_block() -> None:
    """4,096 draws of one coin hold at least uniforms, points, values and draws at some time; a kernel fewer."""
    kernel = measure("bernoulli_quadratic", "reinforce", num_draws=100)
    assert kernel.peak_bytes is not None
    assert 2 * 8 * 4096 <= kernel.peak_bytes <= 4 * 8 * 4096  # outcomes in a byte, values, draws
    found = measure("bernoulli_quadratic", "disarm", num_draws=100)
    assert found.peak_bytes is not None
    assert 3 * 8 * 4096 <= found.peak_bytes <= 12 * 8 * 4096
    wide = measure("bernoulli_quadratic[dim=8]", "disarm", num_draws=100)
    assert wide.peak_bytes is not None
    assert 4 < wide.peak_bytes / found.peak_bytes < 9
