"""Memory that a process keeps: pages fresh from the kernel cost more than the arithmetic on them."""

from __future__ import annotations

import sys

# of mallopt, in malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_KEPT = 2**31 - 1  # bytes that the heap may hold free before any go back
_STEP = 2**26  # by which it grows


def keep_memory() -> None:
    """Let glibc hand freed blocks out again, large ones too, where else each would be mapped anew and zeroed.

    Temporaries of a block of draws take megabytes: half of a study's processor time went into page faults. All threads
    share one heap, since heaps of their own give memory back whatever is said here. For processes of our own, never for
    one that imports varbench; elsewhere than on glibc nothing happens.
    """
    if sys.platform != "linux":
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _KEPT), (_TOP_PAD, _STEP), (_ARENA_MAX, 1)):
            mallopt(parameter, value)
