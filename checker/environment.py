"""What a report must record to be repeated: versions, the seed, and whether float64 products can be trusted.

No times, no paths, no host.
"""

import platform
from importlib.metadata import PackageNotFoundError, version

from checker.blas.selftest import selftest
from checker.records import Value
from checker.rounding import rounds_to_nearest

PACKAGES = ("deqaudit", "torch", "python-flint", "numpy", "scipy", "scikit-learn", "z3-solver", "cvc5")


def environment(seed: int, device: str) -> dict[str, Value]:
    """Versions of everything that computes, the seed and the kind of device."""
    found: dict[str, Value] = {"seed": seed, "device": device, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    test = selftest("cpu")
    left = "balls decided everything" if rounds_to_nearest() else "nothing was decided"
    failed = f"self-test failed ({', '.join(test.failures)}): {left}"
    found["float64_products"] = "self-test passed" if test.passed else failed
    return found
