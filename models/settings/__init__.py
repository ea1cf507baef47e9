"""The model families by name, each with its estimates."""

from models.settings.base import Estimate, Model, Params, Problem
from models.settings.deq import DEQ, DEQ_NETWORK
from models.settings.implicit_skip import IMPLICIT_SKIP, SKIP_NETWORK
from models.settings.least_squares import LEAST_SQUARES
from models.settings.network import Network

MODELS: dict[str, Model] = {model.name: model for model in (DEQ, IMPLICIT_SKIP, LEAST_SQUARES)}
"""Every built model family by the name a theorem file uses."""

NETWORKS: dict[str, Network] = {network.setting: network for network in (DEQ_NETWORK, SKIP_NETWORK)}
"""Those with an equilibrium, as the core of training sees them."""

__all__ = ["MODELS", "NETWORKS", "Estimate", "Model", "Network", "Params", "Problem"]
