"""File names and anchors from the names of problems."""

from __future__ import annotations

import re
from collections.abc import Sequence


def slugs(problems: Sequence[str]) -> list[str]:
    """Return a distinct anchor and file name for each problem."""
    found: list[str] = []
    for problem in problems:
        slug = re.sub(r"[^a-z0-9.]+", "-", problem.lower()).replace(".", "_").strip("-_") or "problem"
        slug = slug[:80] if slug[0].isalpha() else f"p-{slug[:78]}"
        same = sum(other == slug or re.fullmatch(re.escape(slug) + r"-\d+", other) is not None for other in found)
        found.append(f"{slug}-{same + 1}" if same else slug)
    return found
