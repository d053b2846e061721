"""The straight-through frontier: how little variance a gradient estimator M(D, p) g can have at a given bias."""
