"""The deep equilibrium model T = phi(W T + U X), yhat = T' a: declaration, names and gradients."""

from checker.activations import BALL_ACTIVATIONS
from checker.settings.base import Instance, Setting, State, shared_names


def _enclose(instance: Instance) -> State:
    raise NotImplementedError


DEQ = Setting(
    name="deq",
    sizes=("n", "d", "m"),
    parameters={"W": ("m", "m"), "U": ("m", "d"), "a": ("m",)},
    names=shared_names(("m", "n"), {"W": ("m", "m"), "U": ("m", "d"), "a": ("m",)})
    | {
        "T": ("m", "n"),
        "preactivation": ("m", "n"),
        "L_phi": (),
        "L_dphi": (),
        "phi_0": (),
        "gap": (),
        "K": ("n", "n"),
        "K_NTK": ("n", "n"),
    },
    enclose=_enclose,
    has_activation=True,
    has_equilibrium=True,
    activations=BALL_ACTIVATIONS,
    algorithms=("gradient-descent", "gradient-flow", "picard", "none"),
    functions={"equilibrium": ("m",), "predict": (), "well_posed": ()},
    claims=frozenset({"well_posed"}),
    defaults={"W": "normal(0, 2*s_w**2/m)", "U": "normal(0, 2*s_u**2/d)", "a": "zeros"},
)
"""The declaration of the deep equilibrium model."""
