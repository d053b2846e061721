"""What must hold for any input, tried on many."""

import json

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from varbench import Categorical, Problem
from varbench.bench.block_sums import block_moments
from varbench.bench.exact import truth
from varbench.bench.intervals import statistics
from varbench.bench.moments import Frame
from varbench.bench.records import finite
from varbench.bench.specs import full_name, parse, resolved
from varbench.bench.tails import tail_size
from varbench.bench.tree import Tree

numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True), st.booleans() | st.integers(1, 10**12) | numbers, max_size=4
    )
)
def test_a_full_name_reads_back_as_what_it_was_written_from(parameters: dict[str, object]) -> None:
    spec = parse(full_name("problem", parameters))
    defaults = {key: value for key, value in parameters.items() if key != "temperature"}
    given = {key: value for key, value in spec.parameters.items() if key != "temperature"}
    assert resolved("problem", given, defaults) == defaults


@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_the_tree_gives_one_sum_for_any_number_and_order_of_blocks(blocks: int, random: object) -> None:
    draws = torch.linspace(-3, 7, 4 * blocks, dtype=torch.float64).sin().reshape(-1, 1)
    frame = Frame(draws[:4].mean(0), None, len(draws), tail_size(len(draws)) + 1)
    parts = [block_moments(part, frame, 4 * i) for i, part in enumerate(draws.split(4))]
    shuffled = list(range(blocks))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    totals = []
    for order in (range(blocks), shuffled):
        tree = Tree(blocks)
        for number in order:
            tree.add(number, parts[number])
        totals.append(tree.total())
    assert torch.equal(totals[0].h4, totals[1].h4)
    assert totals[0].count == len(draws)
    assert torch.allclose(totals[0].h2, (draws - frame.shift).square().sum())


@given(
    st.lists(st.lists(numbers.filter(lambda x: abs(x) < 1e70), min_size=2, max_size=2), min_size=2, max_size=30),
    st.booleans(),
)
def test_any_finite_draws_give_ordered_intervals_and_strict_json(rows: list[list[float]], certain: bool) -> None:
    draws = torch.tensor(rows, dtype=torch.float64)
    frame = Frame(draws.mean(0), torch.zeros(2, dtype=torch.float64), len(draws), tail_size(len(draws)) + 1)
    found = statistics(block_moments(draws, frame, 0), frame, 2.0**-52 * float(draws.abs().max()), None, certain)
    assert found.bias_sq is not None
    assert found.mse is not None
    for interval in (found.variance, found.bias_sq, found.mse):
        assert interval.lower <= interval.upper
        json.dumps([finite(interval.value), finite(interval.lower), finite(interval.upper)], allow_nan=False)
    assert found.variance.lower <= found.variance.value <= found.variance.upper
    assert found.unbiased_p is not None
    assert 1e-4 <= found.unbiased_p <= 1


@settings(max_examples=30)
@given(st.lists(st.floats(-5, 5), min_size=9, max_size=9), st.lists(st.floats(-10, 10), min_size=9, max_size=9))
def test_the_gradient_of_any_table_is_the_covariance_of_cost_and_choice(
    logits: list[float], table: list[float]
) -> None:
    """grad_phi_k E f = E f (x_k - p_k), on one choice among nine."""
    phi, f = (torch.tensor(values, dtype=torch.float64) for values in (logits, table))
    found = truth(Problem("table", Categorical(phi.unsqueeze(0)), lambda x: (x[..., 0, :] * f).sum(-1))).gradient
    p = phi.softmax(0)
    assert found is not None
    assert torch.allclose(found, p * (f - p @ f), rtol=1e-9, atol=1e-12)
