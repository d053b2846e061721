"""Opponents, one file each, in an environment of their own: they import nothing of varbench but each other.

A side is a function ``build(**case)`` that returns ``(run, rows)``: ``run(seed)`` takes ``rows`` gradient draws and
returns the mean of their entries, a list, and the trace of their covariance; ``PACKAGES`` are those whose versions
matter.
"""
