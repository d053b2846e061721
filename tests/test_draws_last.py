"""Memory with the draws last: the same numbers, in the order that torch is fast in."""

import pytest
import torch
from torch import Tensor

from varbench import Categorical
from varbench.estimators import _draws_last as layout
from varbench.estimators._draws_last import class_max, class_sum, draws_last, in_rows, mean
from varbench.estimators.noise import PhiloxNoise

SHAPES = [(128, 3, 5, 4), (128, 1, 5, 4), (64, 2), (3, 2, 5, 4), (1, 1, 2, 3), (128, 2, 40), (128, 2, 3, 2, 7)]


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_numbers_stay_what_they_are(shape: tuple[int, ...]) -> None:
    x = numbers(*shape)
    last = draws_last(x)
    assert torch.equal(last, x)
    assert torch.equal(in_rows(last), x)
    assert in_rows(last).is_contiguous()
    assert torch.equal(class_max(last), x.amax(-1, keepdim=True))
    torch.testing.assert_close(class_sum(last), x.sum(-1, keepdim=True))
    for axes in [(1,), (1, 2)][: x.ndim - 2]:
        torch.testing.assert_close(mean(last, *axes), x.mean(axes))


def test_many_draws_of_few_classes_are_held_last_and_stay_so() -> None:
    last = draws_last(numbers(128, 3, 5, 4))
    assert last.stride(0) == 1
    assert draws_last(last) is last
    for y in (class_sum(last), class_max(last), mean(last, 1), last - class_max(last), last + numbers(5, 4)):
        assert y.stride(0) == 1


@pytest.mark.parametrize("shape", [(layout._MANY_DRAWS - 1, 2, 4), (128, 2, layout._FEW_CLASSES + 1)])
def test_where_it_would_not_pay_nothing_is_copied(shape: tuple[int, ...]) -> None:
    x = numbers(*shape)
    assert draws_last(x) is x


def test_a_permuted_tensor_that_is_no_such_memory_is_copied() -> None:
    x = numbers(4, 3, 128).movedim(-1, 0).transpose(1, 2)  # [128, 3, 4], draws last but its other axes out of order
    assert torch.equal(draws_last(x), x)
    torch.testing.assert_close(class_sum(x), x.sum(-1, keepdim=True))
    assert draws_last(x).movedim(0, -1).is_contiguous()


def test_points_of_perturbed_choices_lie_in_rows_and_the_rest_last() -> None:
    node = Categorical(numbers(5, 4))
    noise = PhiloxNoise(0, "p", 0, 128)
    z = node.perturbed(noise, 2)
    y = node.soften(z, 0.5)
    assert node.harden(z).is_contiguous()  # a cost is called with these
    for found in (z, y, node.pullback(y, numbers(128, 2, 5, 4))):
        assert found.stride(0) == 1
    torch.testing.assert_close(y, torch.softmax(z / 0.5, -1))
    torch.testing.assert_close(noise.gumbel(2, 5, 4), -noise.exponential(2, 5, 4).log())
