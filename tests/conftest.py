"""What all tests share."""

import pytest

from checker import sweeping


@pytest.fixture(autouse=True, scope="session")
def _no_process_for_sweeps():
    """Workers of pytest have a core each: sweeps are made in them, with the same results."""
    usual, sweeping.BESIDE = sweeping.BESIDE, False
    yield
    sweeping.BESIDE = usual
