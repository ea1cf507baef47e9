"""The deep equilibrium model T = phi(W T + U X), yhat = T' a: declaration, names and gradients.

Gradients are the implicit ones: with D_i = diag(phi'(W t_i + U x_i)) and v_i = D_i(I - W'D_i)^{-1} a,
grad_W = V diag(r) T', grad_U = V diag(r) X', grad_a = T r (Bai, Kolter & Koltun 2019, Theorem 1).
"""

from dataclasses import replace
from functools import cached_property
from typing import final

from flint import arb, arb_mat, fmpq

from checker.activations import BALL_ACTIVATIONS
from checker.enclosure import Ball, frobenius, frobenius_squared, hull, is_exact
from checker.errors import NotEnclosed
from checker.settings.base import Instance, Setting, State, shared_names
from checker.settings.deq_axioms import DEQ_AXIOMS
from checker.settings.deq_contraction import Contraction, contraction
from checker.settings.deq_equilibrium import (
    Equilibrium,
    enclosed_adjoint,
    enclosed_equilibrium,
    solved_adjoint,
)
from checker.settings.deq_names import DeqNames
from checker.settings.deq_pieces import all_solutions, countable
from checker.settings.deq_several import several_equilibria
from checker.settings.deq_solve import Floats, apply, scale_entries
from checker.spectral import lambda_min
from checker.verdict import Verdict

NOT_CERTIFIED = "the equilibrium is not certified to exist and be unique"


@final
class DeqState(DeqNames):
    """A deep equilibrium model with W (m, m), U (m, d), a (m, 1), at an ambient precision.

    Given `iterate` (m, n), T and what is computed from it are those of this iterate of the
    equilibrium map; `well_posed` and the functions of an input stay those of the model.
    """

    def __init__(self, instance: Instance, iterate: arb_mat | None = None) -> None:
        super().__init__(instance)
        if instance.activation not in BALL_ACTIVATIONS:
            raise KeyError(instance.activation)
        self._activation = BALL_ACTIVATIONS[instance.activation]
        self._iterate = iterate

    @property
    def _W(self) -> arb_mat:
        return self.instance.params["W"]

    @property
    def _a(self) -> arb_mat:
        return self.instance.params["a"]

    @cached_property
    def _source(self) -> arb_mat:
        """U X, (m, n)."""
        return self.instance.params["U"] * self.instance.X

    @cached_property
    def _contraction(self) -> Contraction | None:
        return contraction(self._W, self._activation, self.instance.norm_hint)

    @cached_property
    def _pieces(self) -> tuple[Verdict, str, arb_mat | None]:
        """Uniqueness without a contraction: verdict, reason, and the preactivations if unique."""
        if countable(self._activation, self._source.nrows(), self._source.ncols()):
            return all_solutions(self._activation, self._W, self._source)
        found = several_equilibria(self._activation, self._W, self._source)
        if found:
            return Verdict.FAILS, found, None
        return Verdict.UNDECIDED, "no sufficient condition for a unique equilibrium is certain", None

    @cached_property
    def _equilibrium(self) -> Equilibrium:
        proof = self._contraction
        if proof is not None:
            return enclosed_equilibrium(self._activation, self._W, self._source, proof, self.instance.start)
        verdict, _, Z = self._pieces
        if verdict is not Verdict.HOLDS or Z is None:
            raise NotEnclosed(NOT_CERTIFIED)
        return Equilibrium(apply(self._activation.phi, Z), Z)

    @cached_property
    def T(self) -> arb_mat:
        """The equilibrium, or the iterate, (m, n)."""
        return self._equilibrium.T if self._iterate is None else self._iterate

    @cached_property
    def preactivation(self) -> arb_mat:
        """W T + U X, (m, n)."""
        return self._equilibrium.preactivation if self._iterate is None else self._W * self.T + self._source

    def image(self) -> arb_mat:
        """phi(W T + U X), (m, n): the next iterate."""
        return apply(self._activation.phi, self.preactivation)

    def warm_start(self) -> Floats | None:
        """The equilibrium in float64, for a neighbour; None where there is none."""
        return self._equilibrium.guess

    def features(self) -> arb_mat:
        return self.T

    @cached_property
    def yhat(self) -> arb_mat:
        return self.T.transpose() * self._a

    @cached_property
    def _slopes(self) -> list[arb]:
        """phi' at the preactivations, by rows."""
        kink, dphi = self.instance.kink, self._activation.dphi
        return [dphi(z, kink) for z in self.preactivation.entries()]

    @property
    def kink_open(self) -> tuple[tuple[int, int], ...]:
        if not self._activation.has_kink:
            return ()
        n = self.instance.X.ncols()
        entries = enumerate(self.preactivation.entries())
        return tuple(divmod(k, n) for k, z in entries if z.contains(0) and not z.is_zero())

    @cached_property
    def adjoint(self) -> arb_mat:
        """V (m, n), column i the derivative of yhat_i by the preactivation of sample i."""
        n, kink, slopes = self.instance.X.ncols(), self.instance.kink, self._activation.slopes
        usual = slopes is None or slopes[0] <= kink <= slopes[1]
        if self._contraction is not None and usual:
            return enclosed_adjoint(self._W, self._slopes, self._a, n, self._contraction)
        return solved_adjoint(self._W, self._slopes, self._a, n)

    def gradients(self) -> dict[str, arb_mat]:
        return self._gradients

    @cached_property
    def _gradients(self) -> dict[str, arb_mat]:
        out: dict[str, arb_mat] = {}
        for name in self.instance.trains:
            if name == "a":
                out[name] = self.T * self.errors
            else:
                weighted = self._weighted_adjoint
                out[name] = weighted * (self.T if name == "W" else self.instance.X).transpose()
        return out

    @cached_property
    def _weighted_adjoint(self) -> arb_mat:
        """V diag(yhat - y), (m, n)."""
        return scale_entries(self.errors.entries() * self.adjoint.nrows(), self.adjoint)

    def loss_star(self) -> Ball:
        """0 where a trained readout certainly fits every label (G is positive definite); else [0, loss]."""
        if "a" in self.instance.trains and lambda_min(self.gram) > 0:
            return fmpq(0)
        loss = frobenius_squared(self.errors) / 2
        return arb(0) if loss.is_zero() else hull(arb(0), loss.upper())

    def tangent_kernel(self) -> arb_mat:
        """[a] T'T + [W] (V'V) o (T'T) + [U] (V'V) o (X'X), over the trained ones."""
        X, trains = self.instance.X, self.instance.trains
        n = X.ncols()
        kernel = self.gram if "a" in trains else arb_mat(n, n)
        if "W" in trains or "U" in trains:
            inner = (self.adjoint.transpose() * self.adjoint).entries()
            if "W" in trains:
                kernel = kernel + scale_entries(inner, self.gram)
            if "U" in trains:
                kernel = kernel + scale_entries(inner, X.transpose() * X)
        return kernel

    def gap(self) -> arb:
        """The Frobenius distance of the iterate (of 0 where there is none) from its image."""
        if self._iterate is None:
            return frobenius(apply(self._activation.phi, self._source))
        return frobenius(self.image() - self._iterate)

    def well_posed(self) -> tuple[Verdict, str]:
        """Is there exactly one equilibrium at the training inputs? With the condition that shows it."""
        try:
            proof = self._contraction
            if proof is not None:
                return Verdict.HOLDS, proof.reason
            verdict, reason, _ = self._pieces
        except NotEnclosed as error:
            return Verdict.UNDECIDED, error.reason
        if verdict is Verdict.FAILS and not (is_exact(self._W) and is_exact(self._source)):
            reason += ", for all parameters in the enclosure"
        return verdict, reason

    def at_input(self, x: arb_mat) -> "DeqState":
        """The same model at one input x (d, 1)."""
        return DeqState(replace(self.instance, X=x, y=arb_mat(1, 1), start=None))


def _enclose(instance: Instance) -> State:
    return DeqState(instance)


_PARAMETERS = {"W": ("m", "m"), "U": ("m", "d"), "a": ("m",)}

DEQ = Setting(
    name="deq",
    sizes=("n", "d", "m"),
    parameters={"W": ("m", "m"), "U": ("m", "d"), "a": ("m",)},
    names={
        **shared_names(("m", "n"), _PARAMETERS),
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
    axioms=DEQ_AXIOMS,
)
"""The declaration of the deep equilibrium model."""
