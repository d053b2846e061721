"""Make the data that ``bayesian_logistic_regression`` loads.

    python bench/problems/data/make_breast_cancer.py

The 30 measurements are standardised and rounded to single precision. The posterior's parameters are those of a
Laplace approximation at the mode of log p(y, w), found by Newton's method: loc is half the mode, scale the inverse
root of the Hessian's diagonal. They are committed, since a mode is found to rounding only; README.md says more.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

NEWTON_STEPS = 50


def laplace(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mode of log p(y | w) + log N(w; 0, I) and the diagonal of its negative Hessian there."""
    w = np.zeros(x.shape[1])
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-(x @ w)))
        gradient = x.T @ (p - y) + w
        hessian = (x.T * (p * (1 - p))) @ x + np.eye(len(w))
        w = w - np.linalg.solve(hessian, gradient)
    if np.abs(gradient).max() > 1e-9:
        raise RuntimeError(f"Newton's method did not settle: gradient {np.abs(gradient).max()}")
    return w, np.diag(hessian)


def main() -> None:
    """Standardise, approximate and save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("breast_cancer.npz"))
    out = parser.parse_args().out
    data = load_breast_cancer()
    x = ((data.data - data.data.mean(0)) / data.data.std(0)).astype(np.float32)
    y = data.target.astype(np.uint8)
    mode, curvature = laplace(np.column_stack([x.astype(np.float64), np.ones(len(x))]), y.astype(np.float64))
    np.savez(out, x=x, y=y, loc=mode / 2, scale=1 / np.sqrt(curvature))
    print(f"{out.name}: {out.stat().st_size} bytes, sha256 {hashlib.sha256(out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
