"""The nearest entry of a codebook."""

import pytest
import torch

from varbench.estimators.kernels.codebook import BLOCK, nearest


@pytest.mark.parametrize("N", [1, 7, BLOCK, BLOCK + 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_the_entry_of_least_distance(N: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(N)
    x, entries = (torch.randn(n, 5, generator=draw, dtype=dtype) for n in (N, 33))
    distances = (x[:, None] - entries).square().sum(2)
    assert torch.equal(nearest(x, entries), distances.argmin(1))


def test_length_matters() -> None:
    """Without |c|^2 / 2 the longest entry in a direction would win."""
    entries = torch.tensor([[1.0, 0.0], [9.0, 0.0]])
    assert nearest(torch.tensor([[2.0, 0.0], [6.0, 0.0]]), entries).tolist() == [0, 1]


def test_of_equally_near_entries_it_is_the_first() -> None:
    entries = torch.tensor([[2.0], [1.0], [-1.0], [1.0]])
    assert nearest(torch.tensor([[0.0], [1.0]]), entries).tolist() == [1, 1]


@pytest.mark.parametrize("shapes", [((3, 2), (4, 3)), ((3,), (4, 3)), ((3, 2), (0, 2))])
def test_wrong_shapes_say_so(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="give \\[N, D\\] and \\[K, D\\]"):
        nearest(*map(torch.zeros, shapes))
