"""asv: its configuration, the suite's names, and the page from its results; no benchmark is run here."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from varbench.analysis.history import page as asv_page
from varbench.analysis.history import results as asv_results
from varbench.analysis.history import words as asv_words
from varbench.bench.asv_suite import estimators, kernels, numba_kernels
from varbench.estimators.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "tests" / "data" / "asv_results"
CONFIG = json.loads((ROOT / "asv.conf.json").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def needed_at_run_time() -> set[str]:
    """The closure of the project's dependencies, as installed here; torch's CUDA libraries come with torch."""
    waiting, found = [Requirement(text).name for text in PROJECT["project"]["dependencies"]], set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found or name.startswith(("nvidia-", "cuda-", "triton")):
            continue
        found.add(name)
        for text in metadata.requires(name) or []:
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
                waiting.append(wanted.name)
    return found


def test_the_environment_is_that_of_constraints() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    required = {name: versions for name, versions in CONFIG["matrix"]["req"].items()}
    assert required == {name: [pins.get(name)] for name in required}
    assert set(required) == needed_at_run_time() | {"setuptools"}  # --no-build-isolation needs setuptools there


def test_commands_install_no_dependencies() -> None:
    for name in ("build_command", "install_command"):
        assert all("--no-deps" in command for command in CONFIG[name])
    assert CONFIG["benchmark_dir"] == "bench/asv_suite"
    assert "varbench.bench.asv_suite*" in PROJECT["tool"]["setuptools"]["packages"]["find"]["exclude"]


def benchmarks_of(name: str) -> set[str]:
    return {key for key in dir(getattr(estimators, name)) if key.startswith(("time_", "peakmem_", "track_"))}


def test_every_estimator_has_a_class_with_stable_ids() -> None:
    for name, facts in CATALOGUE.items():
        expected = {"time_draws", "peakmem_draws"}
        if not facts.deterministic:
            expected |= {"track_variance", "track_variance_times_seconds"}
        assert getattr(estimators, name).__name__ == name
        assert benchmarks_of(name) == expected
        assert getattr(estimators, name).params == ["small", "large"], (
            f"'{name}' has no problem in asv_suite/kernels.py"
        )


def test_importing_the_suite_imports_neither_torch_nor_varbench() -> None:
    code = (
        "import pkgutil, sys; import asv_suite\n"
        "for module in pkgutil.iter_modules(asv_suite.__path__, 'asv_suite.'): __import__(module.name)\n"
        "assert not {'torch', 'varbench', 'numpy'} & set(sys.modules), sorted(sys.modules)\n"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT / "bench", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("size", kernels.SIZES)
def test_a_benchmark_draws(size: str) -> None:
    benchmark = estimators.reparameterization()  # type: ignore[attr-defined]
    benchmark.setup(size)
    benchmark.time_draws(size)
    assert benchmark.kernel.draws().draws[0].shape[0] == kernels.ROWS[size]


def test_the_tracked_variance_is_seeded_and_has_samples() -> None:
    benchmark = estimators.reparameterization()  # type: ignore[attr-defined]
    first, again = (benchmark.track_variance("small") for _ in range(2))
    assert first == again
    assert len(set(first["samples"])) == len(kernels.SEEDS)
    benchmark.setup("small")
    assert min(benchmark.track_variance_times_seconds("small")["samples"]) > 0


def test_what_a_commit_lacks_is_skipped_and_what_fails_is_not() -> None:
    class Facts:
        name, families, objectives = "not_yet_there", ("normal",), ("mean", "elbo")
        deterministic, config = False, {}

    with pytest.raises(NotImplementedError, match="not_yet_there"):
        kernels.kernel(Facts, "small")
    with pytest.raises(NotImplementedError), kernels.skipping():
        from varbench.bench import not_yet_there  # type: ignore[attr-defined]  # noqa: F401
    with pytest.raises(ValueError, match="broken"), kernels.skipping():
        raise ValueError("broken")


def test_the_page_is_the_same_bytes_and_asks_the_network_for_nothing(tmp_path: Path) -> None:
    subjects = {"unknown": "of another repository"}
    page = asv_page.write(RESULTS, tmp_path / "a", subjects).read_bytes()
    assert page == asv_page.write(RESULTS, tmp_path / "b", subjects).read_bytes()
    text = page.decode()
    assert not re.search(r"https?://|//cdn|<link[^>]+href=\"(?!data:)|src=|@import|url\((?!#)", text)
    assert len(page) < 2_000_000


def test_the_page_shows_all_benchmarks_and_what_has_no_value(tmp_path: Path) -> None:
    text = asv_page.write(RESULTS, tmp_path).read_text()
    (machine,) = asv_results.read(RESULTS)
    assert len(machine.series) == 7
    for series in machine.series:
        assert f">{series.name}</td>" in text
    rows = {row["name"]: row for row in asv_words.latest_rows(machine)}
    assert rows["estimators.reinmax.time_draws(large)"]["missing"] == "skipped in 2 of 8"
    assert rows["estimators.reinmax.peakmem_draws(small)"]["missing"] == "failed in 1 of 8"
    assert "not run in 1 of 8" in rows["harness.Enumeration.time_exact_enumeration(small)"]["missing"]
    assert "skipped in 2 of 8" in text


def test_the_words_find_the_step_and_the_moved_variance() -> None:
    (machine,) = asv_results.read(RESULTS)
    (step,) = asv_words.step_rows(machine)
    assert (step["name"], step["commit"], step["verdict"]) == (
        "estimators.reinmax.time_draws(small)", machine.commits[4][:8], asv_words.TWICE,
    )  # fmt: skip
    assert float(step["ratio"]) == pytest.approx(2, rel=0.02)
    said = {finding.topic: finding.text for finding in asv_words.findings(machine)}
    assert f"1 moved: `reinmax` at `{machine.commits[6][:8]}`" in said["Variance"]
    assert step["name"] in said["Steps"]
    assert said["Memory"] == "Peak memory has no step of 5 % or more in 2 series."
    assert machine.commits[0][:8] in said["Skipped"]


def test_without_results_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asv_page.main([str(tmp_path), "-o", str(tmp_path / "page")]) == 2
    assert "make bench" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["fused", "split"])
@pytest.mark.parametrize("method", numba_kernels.CONFIG)
def test_the_suite_runs_each_kernel_by_name(method: str, path: str) -> None:
    one = numba_kernels.Methods()
    one.setup(method, path)
    assert len(one.run()) == numba_kernels.ROWS


@pytest.mark.parametrize("method", numba_kernels.SUMMED)
def test_the_suite_sums_by_name(method: str) -> None:
    one = numba_kernels.Sums()
    one.setup(method)
    sums = one.run()
    assert sums.count == numba_kernels.ROWS
    assert float(sums.h2) > 0


def test_the_suite_runs_the_parts_of_kernels() -> None:
    for part in numba_kernels.Parts.params:
        numba_kernels.Parts().setup(part)


def test_a_commit_without_a_kernel_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(numba_kernels.CONFIG, "no_such_method", {})
    with pytest.raises(NotImplementedError, match="not in this commit"):
        numba_kernels.Methods().setup("no_such_method", "fused")
