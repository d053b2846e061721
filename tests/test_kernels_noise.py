"""The kernels' noise: Philox's published words, the laws at all words that matter, probabilities down to 1e-7."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numba import njit
from scipy import special

from varbench.estimators.kernels import laws
from varbench.estimators.kernels.elementary import exp, log
from varbench.estimators.kernels.noise import KernelNoise, exponentials, normals, uniforms
from varbench.estimators.kernels.philox import padded, philox, words

# of the 2^32: the first and last 2^22, as many around 1/2, and one of every 1,021 of all
END = 2**22
EVERY = 1021


@njit
def _philox(counter, key):  # type: ignore[no-untyped-def]
    return philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1])


@njit(error_model="numpy")
def _uniform(word, out):  # type: ignore[no-untyped-def]
    for i in range(word.size):
        out[i] = laws.uniform(word[i])


@njit(error_model="numpy")
def _exponential(word, out):  # type: ignore[no-untyped-def]
    for i in range(word.size):
        out[i] = laws.exponential(word[i])


@njit(error_model="numpy")
def _gumbel(word, out):  # type: ignore[no-untyped-def]
    for i in range(word.size):
        out[i] = laws.gumbel(word[i])


@njit(error_model="numpy")
def _normal(word, out):  # type: ignore[no-untyped-def]
    for i in range(word.size):
        out[i] = laws.normal(word[i])


@njit(error_model="numpy")
def _log(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = log(x[i])


@njit(error_model="numpy")
def _exp(x, out):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        out[i] = exp(x[i])


def matter() -> Iterator[np.ndarray]:
    """Words in lots, ascending within each."""
    yield np.arange(END, dtype=np.uint32)
    yield np.arange(2**31 - END // 2, 2**31 + END // 2, dtype=np.uint32)
    yield np.arange(2**32 - END, 2**32, dtype=np.uint64).astype(np.uint32)
    yield np.arange(0, 2**32, EVERY, dtype=np.uint64).astype(np.uint32)


def tails(word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u and 1 - u, both exact in float64."""
    return (word + 0.5) / 2.0**32, (2.0**32 - word - 0.5) / 2.0**32


def quantiles(word: np.ndarray) -> dict[str, np.ndarray]:
    u, v = tails(word.astype(np.float64))
    exponential = np.where(u < 0.5, -np.log1p(-u), -np.log(v))
    return {
        "uniform": u,
        "exponential": exponential,
        "gumbel": -np.log(exponential),
        "normal": np.where(u < 0.5, special.ndtri(u), -special.ndtri(v)),
    }


LAWS: dict[str, tuple[Callable[..., None], type, int, float, float]] = {
    # law: kernel, dtype, direction in u, largest relative error, largest absolute error (either will do)
    "uniform": (_uniform, np.float64, 1, 0.0, 0.0),
    "exponential": (_exponential, np.float32, 1, 2e-7, 0.0),
    "gumbel": (_gumbel, np.float32, -1, 2e-7, 4e-7),
    "normal": (_normal, np.float32, 1, 1e-6, 0.0),
}


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_words(
    counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """The known answers of Random123, the authors' own library."""
    found = _philox(np.array(counter, np.uint64), np.array(key, np.uint64))
    assert tuple(int(word) & 0xFFFFFFFF for word in found) == expected


def test_a_stream_is_read_from_any_multiple_of_64() -> None:
    key, whole = np.array([7, 9], np.uint32), np.empty(1024, np.uint32)
    words(key, 3, 0, whole)
    part = np.empty(192, np.uint32)
    words(key, 3, 448, part)
    assert np.array_equal(part, whole[448:640])
    words(key, 4, 448, part)
    assert not np.array_equal(part, whole[448:640])


def test_positions_beyond_32_bits_are_others() -> None:
    key, low, high = np.array([1, 2], np.uint32), np.empty(64, np.uint32), np.empty(64, np.uint32)
    words(key, 0, 0, low)
    words(key, 0, 2**34, high)  # the counter is a quarter of the position
    assert not np.array_equal(low, high)


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_its_quantile_at_every_word_that_matters(law: str) -> None:
    """Finite everywhere, and within rounding of the quantile function in float64."""
    kernel, dtype, _, relative, absolute = LAWS[law]
    for word in matter():
        found = np.empty(word.size, dtype)
        kernel(word, found)
        expected = quantiles(word)[law]
        assert np.isfinite(found).all()
        assert (np.abs(found - expected) <= np.maximum(relative * np.abs(expected), absolute)).all()


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_monotone_but_for_rounding(law: str) -> None:
    kernel, dtype, direction, *_ = LAWS[law]
    for word in matter():
        found = np.empty(word.size, dtype)
        kernel(word, found)
        back = direction * np.diff(found.astype(np.float64))
        assert (back >= -2e-6 * np.maximum(1e-9, np.abs(found[1:]))).all() if law != "gumbel" else (back >= -2e-6).all()


def test_nothing_under_a_log_is_zero_or_one() -> None:
    """All 2^32 words lie between the first and the last, for a monotone law; the least and largest are told."""
    ends = np.array([0, 2**32 - 1], np.uint32)
    u, e, n = np.empty(2), np.empty(2, np.float32), np.empty(2, np.float32)
    _uniform(ends, u)
    _exponential(ends, e)
    _normal(ends, n)
    assert 0 < u[0] == 2.0**-33
    assert u[1] == 1 - 2.0**-33 < 1
    assert e[0] == pytest.approx(2.0**-33, rel=1e-6)
    assert e[1] == pytest.approx(33 * math.log(2), rel=1e-6)
    assert n[1] == -n[0] == pytest.approx(-special.ndtri(2.0**-33), rel=1e-6)
    assert np.isfinite(-np.log(e)).all()


@pytest.mark.parametrize("p", [1e-7, 1e-6, 1e-5, 1e-3, 0.25])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("upper", [False, True])
def test_probabilities_are_resolved_to_a_percent(law: str, p: float, upper: bool) -> None:
    """Counted over words, not sampled: the share of all 2^32 beyond a quantile of probability p, in either tail."""
    kernel, dtype, direction, *_ = LAWS[law]
    threshold = {
        "uniform": 1 - p if upper else p,
        "exponential": -math.log(p) if upper else -math.log1p(-p),
        "gumbel": -math.log(-math.log1p(-p)) if upper else -math.log(-math.log(p)),
        "normal": (-1 if upper else 1) * special.ndtri(p),
    }[law]
    rising = upper == (direction > 0)  # whether the words beyond it are the last ones
    low, high = 0, 2**32
    word, out = np.empty(1, np.uint32), np.empty(1, dtype)
    while low < high:  # the law is monotone: bisect the number of words on this side
        middle = (low + high) // 2
        word[0] = 2**32 - 1 - middle if rising else middle
        kernel(word, out)
        beyond = out[0] > threshold if upper else out[0] < threshold
        low, high = (middle + 1, high) if beyond else (low, middle)
    assert low / 2**32 == pytest.approx(p, rel=0.01)


def test_a_grid_of_23_bits_fails_that_proof() -> None:
    """The wrong twin: (word >> 9) / 2^23, the usual float32 uniform, has no number below 1e-7 but 0."""
    below = sum(1 for k in range(4) if k / 2**23 < 1e-7) / 2**23
    assert below != pytest.approx(1e-7, rel=0.1)


@pytest.mark.parametrize(("dtype", "ulps"), [(np.float32, 1.5), (np.float64, 1.5)])
def test_log_and_exp_are_right_to_rounding(dtype: type, ulps: float) -> None:
    rng = np.random.default_rng(0)
    spread = 80 if dtype is np.float32 else 700
    x = np.concatenate([np.exp(rng.uniform(-spread, spread, 2**18)), 1 + rng.uniform(-0.5, 1, 2**18)]).astype(dtype)
    out = np.empty_like(x)
    _log(x, out)
    expected = np.log(x.astype(np.longdouble))
    assert (np.abs(out - expected) <= ulps * np.finfo(dtype).eps * np.abs(expected)).all()
    y = rng.uniform(-spread, spread, 2**18).astype(dtype)
    out = np.empty_like(y)
    _exp(y, out)
    expected = np.exp(y.astype(np.longdouble))
    assert (np.abs(out - expected) <= ulps * np.finfo(dtype).eps * expected).all()


def test_exp_stays_finite() -> None:
    for dtype, least in ((np.float32, 1e-38), (np.float64, 1e-308)):
        x, out = np.array([-1e30, 1e30, 0.0], dtype), np.empty(3, dtype)
        _exp(x, out)
        assert 0 < out[0] < 2 * least * 10
        assert np.isfinite(out).all()
        assert out[2] == 1


@pytest.mark.parametrize("law", ["uniform", "exponential", "normal"])
@pytest.mark.parametrize("rows", [1, 64, 100])
def test_torch_forms_are_fed_the_kernels_numbers(law: str, rows: int) -> None:
    noise = KernelNoise(1, "p", 5, rows)
    fed = getattr(noise, law)(3, 4, name="y")
    fill = {"uniform": uniforms, "exponential": exponentials, "normal": normals}[law]
    key, m = noise.key(law, "y", (3, 4)), padded(rows)
    out = np.empty(12 * m, np.float64 if law == "uniform" else np.float32)
    fill(key, 5, 0, np.empty(12 * m, np.uint32), out)
    assert torch.equal(fed, torch.from_numpy(out.reshape(3, 4, m)[:, :, :rows].astype(np.float64)).movedim(-1, 0))


@pytest.mark.parametrize(
    "other",
    [
        KernelNoise(1, "p", 0, 64),
        KernelNoise(0, "q", 0, 64),
        KernelNoise(0, "p", 1, 64),
    ],
)
def test_another_key_gives_other_numbers(other: KernelNoise) -> None:
    mine = KernelNoise(0, "p", 0, 64)
    assert not torch.equal(mine.uniform(4), other.uniform(4))
    assert not torch.equal(mine.uniform(4), mine.uniform(4, name="y"))
    assert not torch.equal(mine.uniform(4)[:, :2], mine.uniform(2))


@pytest.mark.parametrize(
    ("law", "mean", "variance"), [("uniform", 0.5, 1 / 12), ("exponential", 1, 1), ("normal", 0, 1)]
)
def test_streams_have_the_moments_of_their_law(law: str, mean: float, variance: float) -> None:
    """2^22 numbers of 64 blocks: means and variances within 5 standard errors, a false alarm in 1.7 million of each."""
    numbers = torch.cat([getattr(KernelNoise(3, "p", block, 4096), law)(16).flatten() for block in range(64)])
    n = numbers.numel()
    fourth = float((numbers - mean).pow(4).mean())
    assert abs(float(numbers.mean()) - mean) < 5 * math.sqrt(variance / n)
    assert abs(float(numbers.var()) - variance) < 5 * math.sqrt((fourth - variance**2) / n)


def test_neighbours_are_uncorrelated() -> None:
    """Correlations at lags of words, of counters and of blocks, each within 5 standard errors of 0."""
    u = torch.cat([KernelNoise(0, "p", block, 4096).uniform(16).T.flatten() - 0.5 for block in range(16)])
    for lag in (1, 2, 3, 4, 16, 32, 48, 64, 4096, 16 * 4096):
        correlation = float((u[lag:] * u[:-lag]).mean()) * 12
        assert abs(correlation) < 5 / math.sqrt(u.numel() - lag)
