"""Profiles and hooks of the property suite.

`review` (the default; derandomised), `search` and `night` are chosen with Hypothesis' own option
`--hypothesis-profile`.
"""

import scipy.linalg  # noqa: F401  loaded first, so that its threads are limited too
import torch
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

from properties.plugin import pytest_pyfunc_call, pytest_terminal_summary

__all__ = ["pytest_pyfunc_call", "pytest_terminal_summary"]

torch.set_num_threads(1)
threadpool_limits(limits=1, user_api="blas")

_SLOW = (HealthCheck.too_slow,)

settings.register_profile(
    "review", derandomize=True, max_examples=40, deadline=None, suppress_health_check=_SLOW
)
settings.register_profile("search", max_examples=2000, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("night", max_examples=20000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile("review")
