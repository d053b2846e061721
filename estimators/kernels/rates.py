"""Temperatures whose softmax is a power."""

_LARGEST_POWER = 16  # n multiplications round n times


def whole_rate(temperature: float) -> int:
    """Return 1 / tau where that is a small whole number, a power of which takes less than an exponential; else 0."""
    rate = 1 / temperature
    return int(rate) if rate <= _LARGEST_POWER and rate == int(rate) else 0
