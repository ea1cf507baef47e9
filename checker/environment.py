"""What a report must record to be repeated: versions and the seed. No times, no paths, no host."""

import platform
from importlib.metadata import PackageNotFoundError, version

from checker.records import Value

PACKAGES = ("deqaudit", "torch", "python-flint", "numpy", "scipy", "scikit-learn", "z3-solver", "cvc5")


def environment(seed: int, device: str) -> dict[str, Value]:
    """Versions of everything that computes, the seed and the kind of device."""
    found: dict[str, Value] = {"seed": seed, "device": device, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
