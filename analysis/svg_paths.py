"""Shorter path data that draws the same: steps instead of places, neighbours of one look as one path."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NUMBERS = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}  # that a command takes
_UNITS = 100  # to a point: numbers have two decimals at most


def in_steps(data: str) -> str:
    """Return path data with each place told from the one before, in whole hundredths, so that no error adds up.

    Data with other commands than M, L, Q, C and z are returned as they are.
    """
    parts = re.findall(r"[A-Za-z][^A-Za-z]*", data)
    if any(part[0] not in _NUMBERS for part in parts):
        return data
    at, start, out, said = (0, 0), (0, 0), [], ""
    for command, numbers in _commands(parts):
        steps = [(x - at[0], y - at[1]) for x, y in numbers]
        letter, told = command.lower(), [n for step in steps for n in step]
        if command == "M":
            letter, told, start = "M", [n for place in numbers for n in place], numbers[0]
        elif command == "L" and 0 in steps[0]:
            letter, told = ("v", [steps[0][1]]) if steps[0][0] == 0 else ("h", [steps[0][0]])
        at = numbers[-1] if numbers else start
        text = _joined(told)
        again = letter == said and letter not in "Mz"
        out.append((" " if again and not text.startswith("-") else "") + text if again else letter + text)
        said = letter
    return "".join(out)


def merged(elements: list[str], look: str) -> list[str]:
    """Return paths of one look as one path, where that cannot be seen: outlines, not see-through and without a name."""
    bare = [re.fullmatch(r'<path d="([^"]*)"/>', element) for element in elements]
    if "fill:none" not in look or "opacity" in look or len(elements) < 2 or not all(bare):
        return elements
    return [f'<path d="{"".join(match[1] for match in bare if match)}"/>']


def _commands(parts: list[str]) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield each command with its places in hundredths; numbers after a command's own repeat it."""
    for part in parts:
        command, size = part[0], _NUMBERS[part[0]]
        numbers = [round(float(n) * _UNITS) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", part[1:])]
        if not size:
            yield command, []
        for first in range(0, len(numbers), size or 1):
            mine = numbers[first : first + size]
            yield command, list(zip(mine[::2], mine[1::2], strict=True))


def _joined(numbers: list[int]) -> str:
    texts = [f"{n / _UNITS:.2f}".rstrip("0").rstrip(".").replace("0.", ".", 1) if abs(n) < _UNITS else
             f"{n / _UNITS:.2f}".rstrip("0").rstrip(".") for n in numbers]  # fmt: skip
    return "".join(text if not i or text.startswith("-") else f" {text}" for i, text in enumerate(texts))
