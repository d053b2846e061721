"""How kernels are compiled: kept on disk, free of the interpreter's lock, division as IEEE has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from numba import config, njit

inlined = njit(inline="always", error_model="numpy")


def kernel(function: Callable[..., Any]) -> Any:
    """Return the compiled function, kept in a folder of this version of all kernels.

    numba looks at the file of a function alone: what it had compiled would stay when a function that it calls changes.
    """
    before = config.CACHE_DIR  # type: ignore[attr-defined]
    config.CACHE_DIR = str(_folder())  # type: ignore[attr-defined]
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]


@cache
def _folder() -> Path:
    here = Path(__file__).parent
    return here / "__pycache__" / f"kernels-{digest(here)}"


def digest(folder: Path) -> str:
    """Return a hash of the sources in a folder."""
    sources = (path.name.encode() + path.read_bytes() for path in sorted(folder.glob("*.py")))
    return blake2b(b"".join(sources), digest_size=8).hexdigest()
