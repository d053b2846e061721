"""The page of peers: verdicts, sentences and the figure follow from the numbers, and from nothing else."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from varbench.analysis.peers import words
from varbench.analysis.peers.figure import against_reach
from varbench.analysis.peers.lines import Line, Verdict, lines_of, read
from varbench.analysis.peers.page import main, render
from varbench.analysis.peers.table import as_text

AGREED = {
    "draws": [100_352, 100_352], "p_mean": 0.5, "p_trace": 1.0, "trace": [0.01, 0.0101], "agrees": True, "level": 0.001,
}  # fmt: skip


def row(name: str, ratio: float, reach: float, most: bool = False, **found: Any) -> dict[str, Any]:
    measured = {
        "ratio": {"value": ratio, "lower": ratio / 1.1, "upper": ratio * 1.1}, "ours": 1e-6, "theirs": ratio * 1e-6,
        "rounds": 15, "agreement": AGREED, "equal": None, "path": "split", "parts": {}, "versions": {"jax": "1.2.3"},
        "cores": [1.0, 1.0], "note": "", "fails": False,
    }  # fmt: skip
    return {
        "name": name, "ours": "ours", "against": "theirs", "reach": reach, "most": most, "unit": "seconds",
        "skipped": None, "found": measured | found,
    }  # fmt: skip


PARTS = {"cost": 2.5e-7, "moments": 6e-7, "the rest": 1.5e-7}
NUMBERS: dict[str, Any] = {
    "schema": 2, "rounds": 15, "draws": 100_000, "cores": 2, "load": [1.0, 4.25], "commit": "abc",
    "vectors": "AVX2", "noise": {"value": 0.274, "lower": 0.268, "upper": 0.282},
    "versions": {"python": "3", "processor": "abacus", "torch": "2"},
    "rows": [
        row("fast", 12.34, 8),
        row("slow", 2.0, 8, parts=PARTS),
        row("close", 7.9, 8),
        row("cheap", 0.5, 0.6, most=True, agreement=None, equal=True),
        row("dear", 0.9, 0.4, most=True, agreement=None, note="9 % of it is fog"),
        row("wrong", 20.0, 8, agreement=AGREED | {"agrees": False}, fails=True),
        row("absent", 1.0, 3) | {"found": None, "skipped": "no module named 'jax'"},
    ],
}  # fmt: skip


def line(name: str, numbers: dict[str, Any] = NUMBERS) -> Line:
    return next(one for one in lines_of(numbers) if one.name == name)


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    numbers = copy.deepcopy(NUMBERS)
    change(numbers)
    return numbers


def test_the_machine_is_told_by_its_vectors_and_its_noise() -> None:
    def told(**fields: Any) -> str:
        return next(one["text"] for one in words.findings(NUMBERS | fields) if one["topic"] == "machine")

    assert "this one has AVX2, narrower vectors. An exponential of the kernels takes 0.27 [0.27, 0.28]" in told()
    assert "as this is one." in told(vectors="AVX-512")
    assert told(vectors="", noise=None).endswith("whether this is one is not known.")


def test_the_verdict_follows_from_the_median_and_what_is_to_be_reached() -> None:
    verdicts = {one.name: one.verdict for one in lines_of(NUMBERS)}
    assert verdicts == {
        "fast": Verdict.REACHED, "slow": Verdict.NOT_REACHED, "close": Verdict.NOT_REACHED, "cheap": Verdict.REACHED,
        "dear": Verdict.NOT_REACHED, "wrong": Verdict.DISAGREES, "absent": Verdict.SKIPPED,
    }  # fmt: skip
    assert line("fast", changed(lambda n: n["rows"][0].update(reach=12.4))).verdict is Verdict.NOT_REACHED
    assert line("cheap", changed(lambda n: n["rows"][3].update(most=False))).verdict is Verdict.NOT_REACHED


def test_what_is_reached_is_so_many_times_what_is_to_be_reached() -> None:
    gain = line("cheap").gain
    assert gain is not None
    assert (gain.value, gain.lower, gain.upper) == pytest.approx((1.2, 1.2 / 1.1, 1.2 * 1.1))
    assert not line("close").is_clear
    assert line("slow").is_clear


def test_reasons_are_what_was_measured() -> None:
    assert words.reason(line("fast")) == ""
    assert words.reason(line("absent")) == "no module named 'jax'"
    assert words.reason(line("close")) == "the interval holds what is to be reached"
    assert words.reason(line("dear")) == "9 % of it is fog"
    assert words.reason(line("wrong")).endswith("trace 0.01000 by ours, 0.01010 by the other")
    assert words.reason(line("slow")) == (
        "of our time 60 % in the moments, 25 % in f and 15 % in noise, points and gradient; with the moments for "
        "nothing the ratio would be 5.0"
    )


def test_numbers_read_well() -> None:
    assert words.ratio(line("fast")) == "12.3 [11.2, 13.6]"
    assert words.ratio(Line(row("a", 27_432.0, 10_000))) == "27,400 [24,900, 30,200]"
    assert words.ratio(Line(row("a", 1.02, 1.1, rounds=1))) == "1.02"
    assert words.cost(line("fast"), "ours") == "1,000 ns"
    assert words.cost(Line(row("a", 1, 1, ours=7.77e-10)), "ours") == "0.777 ns"
    assert words.cost(Line(row("a", 1, 1, ours=3e8) | {"unit": "bytes"}), "ours") == "300 MB"
    assert words.agreement(line("fast")) == "agree: p = 0.50 and 1.00"
    assert words.agreement(line("cheap")) == "equal to the bit"
    assert words.agreement(line("dear")) == "none to compare"


def test_the_sentences_count_every_row_once() -> None:
    said = {one["topic"]: one["text"] for one in words.findings(NUMBERS)}
    of = "the median ratio and in brackets what is to be reached"
    assert said["reached"] == f"2 of 7 rows, {of}: fast 12.3 (≥ 8) and cheap 0.500 (≤ 0.6)."
    assert said["wrong"] == f"1 of 7 rows, {of}: wrong 20.0 (≥ 8)."
    assert said["skipped"] == "1 of 7 rows: absent."
    assert said["statistics"].startswith("In 3 of 4 rows with an opponent")
    assert words.headline(NUMBERS) == "2 of 7 rows are reached"


def test_page_and_terminal_say_the_same_of_every_row() -> None:
    page, text = render(NUMBERS), as_text(NUMBERS)
    for one in lines_of(NUMBERS):
        assert one.name in text
        assert f'<td class="whole">{one.name}</td>' in page
        assert one.verdict.value in page
    assert "jax 1.2.3" in page
    assert "abacus, 2 cores" in page
    assert "1.0 to 4.2 processes wanted a core" in page
    assert render(NUMBERS) == page
    assert "<figure" in page


def test_a_page_of_skipped_rows_says_so() -> None:
    numbers = changed(lambda n: n.update(rows=[n["rows"][-1]]))
    assert "Every row was skipped." in render(numbers)
    with pytest.raises(ValueError, match="nothing to draw"):
        against_reach(lines_of(numbers))


def test_the_figure_has_a_dot_for_each_measured_row() -> None:
    ax = against_reach(lines_of(NUMBERS)).axes[0]
    measured = [one for one in lines_of(NUMBERS) if one.found]
    assert [text.get_text() for text in ax.get_yticklabels()] == [one.name for one in measured]
    dots = [one for one in ax.lines if one.get_marker() in ("o", "X")]
    assert [float(dot.get_xdata()[0]) for dot in dots] == pytest.approx(
        [one.gain.value for one in measured if one.gain]
    )
    hollow = [dot.get_markerfacecolor() == "white" for dot in dots]
    assert hollow == [one.verdict is not Verdict.REACHED for one in measured]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 0}', '{"schema": 2}'])
def test_a_file_of_something_else_is_one_line_and_exit_code_2(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "peers.json"
    file.write_text(text, encoding="utf-8")
    assert main([str(file), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "make peers" in said


def test_the_page_is_written_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "peers.json"
    file.write_text(json.dumps(NUMBERS), encoding="utf-8")
    assert main([str(file), "-o", str(tmp_path)]) == 0
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == render(NUMBERS)
    assert capsys.readouterr().out.strip().endswith("index.html")


def test_the_committed_page_follows_from_the_committed_numbers() -> None:
    folder = Path(__file__).parent.parent / "reports" / "peers"
    assert (folder / "index.html").read_text(encoding="utf-8") == render(read(folder / "peers.json"))


def test_cores_that_are_lost_are_told() -> None:
    """1.9 cores and a ratio of 1.6 are 19 % more work; of one core, or of a row that is reached, nothing is said."""
    two = row("two", 1.6, 1.8, cores=[1.9, 1.0])
    assert words.reason(Line(two)) == "together they took 19 % more processor time for a draw"
    assert words.reason(Line(row("two", 2.5, 1.8, cores=[1.9, 1.0]))) == ""
    assert words.reason(Line(row("two", 1.2, 1.8, cores=[1.0, 1.0]))) == ""
