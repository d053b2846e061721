"""How kernels are compiled: kept on disk, free of the interpreter's lock, division as IEEE has it."""

from numba import njit

kernel = njit(cache=True, nogil=True, error_model="numpy")
inlined = njit(inline="always", error_model="numpy")
