"""Counter-based random words: Philox4x32-10 (Salmon et al. 2011), in an order that a compiler turns into vectors."""

from __future__ import annotations

from numba import uint32, uint64

from .compiled import inlined, kernel

GROUP = 64  # words that are made together: 16 counters of 4 words
_COUNTERS = GROUP // 4
_LOW, _HALF = uint64(0xFFFFFFFF), uint64(32)
_M0, _M1 = uint64(0xD2511F53), uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85


def padded(count: int) -> int:
    """Return the multiple of 64 that holds ``count`` words."""
    return -(-count // GROUP) * GROUP


filled = inlined(padded)  # for kernels


@inlined
def _round(c0, c1, c2, c3, k0, k1, number):  # type: ignore[no-untyped-def]
    """Return the counter after a round, whose key is the key plus ``number`` times Weyl's constants.

    A word is the lower half of 64 bits, as the multiplication takes it; what stands in the upper half is of no account.
    """
    p0, p1 = _M0 * (c0 & _LOW), _M1 * (c2 & _LOW)
    k0, k1 = (k0 + uint64(number * _W0)) & _LOW, (k1 + uint64(number * _W1)) & _LOW
    return (p1 >> _HALF) ^ c1 ^ k0, p1, (p0 >> _HALF) ^ c3 ^ k1, p0


@inlined
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Return the four 32-bit words of a 128-bit counter under a 64-bit key.

    A round is (c0, c1, c2, c3) -> (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)). The ten rounds are
    written out: a loop inside the loop over counters would keep that from becoming vectors.

    Args:
        c0, c1, c2, c3: the counter's words, lowest first; unsigned numbers below 2^32.
        k0, k1: the key's.
    """
    c0, c1, c2, c3, k0, k1 = uint64(c0), uint64(c1), uint64(c2), uint64(c3), uint64(k0), uint64(k1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 0)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 1)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 2)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 3)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 4)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 5)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 6)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 7)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 8)
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1, 9)
    return uint32(c0), uint32(c1), uint32(c2), uint32(c3)


@kernel
def words(key, block, first, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` with the words at positions first, first + 1, ... of a block's stream.

    Position p takes word (p // 16) % 4 of the counter (p // 64) * 16 + p % 16: sixteen counters at a time, so that a
    vector holds the same word of each.

    Args:
        key: of the stream, uint32 [2].
        block: number of the block of draws.
        first: a multiple of 64.
        out: uint32 [m], m a multiple of 64.
    """
    for group in range(out.size // GROUP):
        start = uint64(first // GROUP + group) * uint64(_COUNTERS)
        here = out[group * GROUP : (group + 1) * GROUP]
        for c in range(_COUNTERS):
            number = start + uint64(c)
            w0, w1, w2, w3 = philox(number & _LOW, number >> _HALF, uint32(block), uint32(0), key[0], key[1])
            here[c], here[c + 16], here[c + 32], here[c + 48] = w0, w1, w2, w3
