"""The words of the claim language that belong to it: functions, temporal operators, reserved names."""

from typing import Final

ENTRYWISE: Final = frozenset({"sqrt", "exp", "log", "abs", "sin", "cos", "tanh"})
EXTREMES: Final = frozenset({"min", "max"})
NORMS: Final = frozenset({"norm2", "norm_fro", "norm_inf", "norm_1"})
SQUARE_ONLY: Final = frozenset({"lambda_min", "lambda_max", "spectral_radius", "trace"})
FILLED: Final = frozenset({"eye", "ones"})

FUNCTIONS: Final = (
    ENTRYWISE
    | EXTREMES
    | NORMS
    | SQUARE_ONLY
    | FILLED
    | {"sum", "sigma_min", "diag", "transpose", "inv", "symmetric_part", "hadamard"}
)
"""Every function that is evaluated from its arguments alone."""

TEMPORAL: Final = frozenset({"next", "total", "least", "greatest"})
"""Operators over the steps of a run."""

OF_AN_INPUT: Final = frozenset({"equilibrium", "predict", "well_posed"})
"""What a setting may offer as functions of an input."""

RESERVED: Final = FUNCTIONS | TEMPORAL | OF_AN_INPUT | {"pi", "and", "tau", "t"}
"""Names that no parameter, definition or variable may take."""
