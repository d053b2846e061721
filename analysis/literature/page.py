"""The page of published results: python -m varbench.analysis.literature.page literature.db -o reports/literature."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...bench.records import compact
from ...bench.store import Store, StoreError
from .. import tables
from ..frame import Frame
from ..rendering import rendered
from ..style import context
from ..svg import to_svg
from .figure import figure
from .result import Result
from .results import RESULTS
from .verdict import Check, Claim, Equals, Outcome, Verdict, honest

COMMAND = "make literature"
LONGEST = 4  # vectors with more entries stay out of records.csv
MEANINGS = {
    Verdict.REPRODUCED: "a source says it, and every comparison shows it",
    Verdict.DIFFERS: "a comparison contradicts it, its interval being honest",
    Verdict.UNDECIDED: "intervals meet, or one that contradicts is marked as too narrow",
    Verdict.NOT_PUBLISHED: "no readable source gives it; every comparison meets the exact value or the order named",
}


@dataclass(frozen=True)
class Judged:
    """A result, its claims, and how many comparisons the page makes in all."""

    result: Result
    claims: Sequence[Claim]
    number: int

    def rows(self) -> list[dict[str, str]]:
        """Return a row of text for each claim, with the comparison that is nearest to failing."""
        return [self._row(claim) for claim in self.claims]

    def _row(self, claim: Claim) -> dict[str, str]:
        tight = claim.tightest(self.number)
        held = sum(check.outcome(self.number) is Outcome.HOLDS for check in claim.checks)
        return {
            "source": self.result.source,
            "claim": claim.text,
            "reference": f"{_origin(tight, claim)}: {tight.reference()}",
            "ours": tight.ours(self.number),
            "held": f"{held} of {len(claim.checks)}",
            "verdict": claim.verdict(self.number).value,
        }


def _origin(check: Check, claim: Claim) -> str:
    """Return where a reference comes from: a value is exact (no printed one was read), an order a source's or ours."""
    return "exact" if isinstance(check, Equals) else "published" if claim.published else "ours"


def judged(frame: Frame) -> list[Judged]:
    """Return every result with its claims, judged at one level over all comparisons.

    Raises:
        LookupError: if a cell that a claim needs is not among the records.
    """
    claims = [(result, list(result.claims(frame))) for result in RESULTS]
    number = sum(len(claim.checks) for _, found in claims for claim in found)
    return [Judged(result, found, number) for result, found in claims]


def render(frame: Frame, study: Mapping[str, Any]) -> str:
    """Return the page's text.

    Args:
        frame: all records.
        study: title and question.
    """
    found = judged(frame)
    number = found[0].number
    sections = [_section(place, one, frame) for place, one in enumerate(found)]
    verdicts = Counter(claim.verdict(number) for one in found for claim in one.claims)
    return rendered(
        "literature.html.j2",
        title=study.get("title") or "Published results, recomputed",
        question=" ".join(str(study.get("question") or "").split()),
        size=f"{len(found)} results, {len(frame):,} cells",
        command=COMMAND,
        sections=sections,
        summary=_summary(found, verdicts),
        verdicts=[{"verdict": v.value, "meaning": MEANINGS[v], "claims": verdicts[v]} for v in Verdict],
        number=number,
        draws=f"{max(int(record['num_draws']) for record in frame):,}",
        marked=sum(not honest(record) for record in frame),
        num_cells=len(frame),
        environment=_environment(frame),
    )


def _section(place: int, one: Judged, frame: Frame) -> dict[str, Any]:
    result = one.result
    with context():
        drawn = figure(result.panels(frame), one.number)
        svg = to_svg(drawn, f"l{place}", result.title, result.caption)
    return {"result": result, "rows": one.rows(), "svg": Markup(svg)}


def _summary(found: Sequence[Judged], verdicts: Mapping[Verdict, int]) -> list[dict[str, str]]:
    """Return what all verdicts together say."""

    def named(verdict: Verdict) -> str:
        hits = [
            f"{claim.text} ({one.result.source})"
            for one in found
            for claim in one.claims
            if claim.verdict(one.number) is verdict
        ]
        return "; ".join(hits) or "none"

    claims, comparisons = sum(verdicts.values()), found[0].number
    return [
        {
            "topic": "in all",
            "text": f"{len(found)} results, {claims} claims, {comparisons} comparisons: "
            f"{', '.join(f'{verdicts[v]} {v.value}' for v in Verdict)}.",
        },
        {"topic": "differs", "text": named(Verdict.DIFFERS)},
        {"topic": "undecided", "text": named(Verdict.UNDECIDED)},
    ]


def _environment(frame: Frame) -> list[tuple[str, str]]:
    versions = {f"{name} {text}" for record in frame for name, text in (record.get("versions") or {}).items()}
    commits = {str(record.get("commit")) for record in frame}
    seeds = {str(record["seed"]) for record in frame}
    rows = (("versions", versions), ("commit", commits), ("seed", seeds))
    return [(name, ", ".join(sorted(values))) for name, values in rows]


def write(frame: Frame, study: Mapping[str, Any], out_dir: Path) -> Path:
    """Write index.html and records.csv and return the path of the page; the same records give the same bytes.

    Raises:
        LookupError: if a cell that a claim needs is not among the records.
        OSError: if the folder cannot be written.
    """
    page = render(frame, study)
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    text = tables.as_csv([compact(record, longest=LONGEST) for record in frame])
    (folder / "records.csv").write_text(text, encoding="utf-8")
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page from a store; 2 where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m varbench.analysis.literature.page", description=__doc__)
    parser.add_argument("store", type=Path, help="the store of the study 'literature'")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the page")
    given = parser.parse_args(arguments)
    try:
        with Store.open(given.store) as store:
            path = write(Frame.of(store.records()), store.description(), given.out)
    except (LookupError, OSError, StoreError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
