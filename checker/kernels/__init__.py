"""Infinite-width kernels: dual activations, population Gram matrices and tangent kernels."""
