"""The model families by name, each with its estimates."""

from models.settings.base import Estimate, Model, Params, Problem
from models.settings.deq import DEQ
from models.settings.least_squares import LEAST_SQUARES

MODELS: dict[str, Model] = {model.name: model for model in (DEQ, LEAST_SQUARES)}
"""Every built model family by the name a theorem file uses."""

__all__ = ["MODELS", "Estimate", "Model", "Params", "Problem"]
