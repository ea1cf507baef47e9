"""Rigour at BLAS speed: float64 computations with proved error bounds.

Floats are exact real numbers here. The one assumption on the machine, called (B) throughout:
every entry of a matrix product is some summation order of the rounded products, each operation
rounded to nearest (fused multiply-add allowed); `checker.blas.selftest` looks for its violations.
Then (F1) |fl(AB) - AB| <= gamma_k |A||B| + k*OMEGA entrywise, for inner length k (Higham 2002,
section 3.5; Jeannerod & Rump 2013). Everything else is derived from that, function by function.
"""
