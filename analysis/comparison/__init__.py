"""Cells held against each other: ratios with intervals, what is shown and what is not."""
