"""An estimate with its 95 % interval, and the interval of a mean of squares."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import special

Z = float(special.ndtri(0.975))
LEVEL = 0.025  # in each tail


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval."""

    value: float
    lower: float
    upper: float


def of_positive(value: float, se_sq: float) -> Interval:
    """Return the interval of a mean of squares: nu value / scale is chi^2_nu, nu = 2 value^2 / se^2.

    Satterthwaite 1946 (Biometrics Bulletin 2): the chi^2 with the mean and the variance of the estimate. Its ends are
    positive and lean upwards, as the error of a mean of squares does: value +- z se misses too often above.
    """
    nu = 2 * value**2 / se_sq
    return Interval(
        value, nu * value / float(special.chdtri(nu, LEVEL)), nu * value / float(special.chdtri(nu, 1 - LEVEL))
    )
