"""The model families a theorem may be about."""

from checker.settings.base import Instance, Setting, State
from checker.settings.deq import DEQ
from checker.settings.least_squares import LEAST_SQUARES

__all__ = ["PLANNED", "SETTINGS", "Instance", "Setting", "State"]

SETTINGS: dict[str, Setting] = {setting.name: setting for setting in (DEQ, LEAST_SQUARES)}
"""Every built setting by its name in theorem files."""

PLANNED: tuple[str, ...] = ("implicit-skip", "linear-deq", "softmax-deq", "monotone-deq", "two-layer")
"""Settings that the specification names and that are not built yet."""
