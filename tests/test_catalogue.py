"""The catalogues say what the code does."""

from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path

import pytest

from varbench.bench.catalogue import CATALOGUE as PROBLEMS
from varbench.bench.resolve import problem_of
from varbench.bench.specs import full_name
from varbench.estimators.catalogue import CATALOGUE as ESTIMATORS
from varbench.estimators.estimator import Estimator, keywords, load
from varbench.estimators.facts import Facts

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ESTIMATORS)
def test_config_is_what_the_functions_take(name: str) -> None:
    estimator = load(name)
    taken = {}
    for function in filter(None, (estimator.sample, estimator.combine, estimator.fit)):
        for key in keywords(function):
            taken[key] = signature(function).parameters[key].default
    assert set(taken) == set(estimator.facts.config)
    for key, default in taken.items():
        listed = estimator.facts.config[key]
        assert default == listed or (listed is None and default is Parameter.empty)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_entries_are_complete(name: str) -> None:
    facts = ESTIMATORS[name]
    assert facts.source
    assert facts.summary
    assert set(facts.grid) <= set(facts.config)
    assert all(value is not None for value in facts.grid.values())


def test_every_method_is_listed() -> None:
    for file in (ROOT / "estimators").glob("*.py"):
        if "\ndef combine(" in file.read_text():
            assert file.stem in ESTIMATORS, f"{file.name} defines an estimator that the catalogue lacks"


def test_every_problem_is_listed() -> None:
    files = {file.stem for file in (ROOT / "bench" / "problems").glob("*.py")} - {"__init__"}
    assert files == set(PROBLEMS)


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_are_what_their_entries_say(name: str) -> None:
    facts = PROBLEMS[name]
    problem = problem_of(name)
    assert problem.name == full_name(name, facts.parameters)
    assert problem.node.family == facts.family
    assert problem.smooth == facts.smooth
    assert problem.objective == facts.objective
    made = import_module(f"varbench.bench.problems.{name}").problem
    assert set(keywords(made)) == set(facts.parameters)


def test_an_entry_that_disagrees_with_its_functions_is_refused() -> None:
    right = load("gumbel_softmax")
    wrong = Facts("mine", ("bernoulli",), ("values",), True, "here", config={"heat": 1.0})
    with pytest.raises(ValueError, match="make the two agree"):
        Estimator(wrong, right.sample, right.combine)


def test_facts_refuse_unknown_words() -> None:
    with pytest.raises(ValueError, match="unknown need 'gradients'"):
        Facts("mine", ("bernoulli",), ("gradients",), True, "here")
