"""The product's tests."""

from inference.blas import one_blas_thread

# Several of them run side by side, and numpy is imported later.
one_blas_thread()
