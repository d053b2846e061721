"""The kernels over commits: asv's results, read and drawn."""
