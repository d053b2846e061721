"""The page of the straight-through frontier, from the numbers that the harness wrote."""
