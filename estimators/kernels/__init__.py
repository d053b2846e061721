"""The fast path on a CPU: numba kernels that mirror ``estimators/<method>.py``, which stays the definition.

Nothing outside this folder and the harness imports it, and it imports numba: ``import varbench`` does not.
"""
