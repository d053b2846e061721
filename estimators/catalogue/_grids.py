"""Values of parameters that several estimators are worth measuring at."""

TEMPERATURES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
