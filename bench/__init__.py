"""Benchmarks and fits. `python -m bench NAME`."""

from inference.blas import one_blas_thread

# As in the product; numpy is imported later.
one_blas_thread()
