"""Axioms: inequalities that hold at every configuration of a setting, with their sources.

They say what a solver cannot know of the setting's names: how norms, traces and eigenvalues of one array
are ordered, and how far an equilibrium, its predictions and its gradients can reach. All are about the
state at initialization, and hold wherever the names in them have a value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from checker.expression.parse import parse_claim
from checker.expression.shapes import Where, annotate_claim
from checker.expression.tree import Claim, Shape

HORN_JOHNSON = "Horn & Johnson, Matrix Analysis, 2nd ed. (2013)"
"""The book most of the matrix inequalities are cited from."""


@dataclass(frozen=True)
class Axiom:
    """One inequality between names of a setting, in the claim language.

    `source` says where it is proved. It is used for theorems whose activations all belong to `activations`
    (None: any) and that train every parameter in `trains`.
    """

    name: str
    text: str
    source: str
    activations: frozenset[str] | None = None
    trains: frozenset[str] = frozenset()

    def serves(self, activations: Iterable[str], trains: Iterable[str]) -> bool:
        """Does it hold for a theorem with these activations and these trained parameters?"""
        fits = self.activations is None or set(activations) <= self.activations
        return fits and self.trains <= set(trains)


def read_axiom(axiom: Axiom, names: Mapping[str, Shape], sizes: Mapping[str, str]) -> Claim:
    """The claim of an axiom with the shapes of its parts, read once. Raises ExpressionError for a bad one.

    `names` are a setting's names with their shapes, `sizes` maps its sizes to canonical dimensions.
    """
    return _read(axiom.text, tuple(names.items()), tuple(sizes.items()))


@lru_cache(maxsize=1024)
def _read(text: str, names: tuple[tuple[str, Shape], ...], sizes: tuple[tuple[str, str], ...]) -> Claim:
    where = Where(place="an axiom", sizes=dict(sizes))
    return annotate_claim(parse_claim(text), dict(names), where=where)


TRAINED: tuple[Axiom, ...] = (
    Axiom("sizes", "n >= 1 and d >= 1 and m >= 1", "sizes are whole numbers from 1 on"),
    Axiom("residual is a norm", "residual >= 0", "definition"),
    Axiom("loss", "2*loss == residual**2", "definition of the loss"),
    Axiom("residual against predictions", "residual <= norm2(yhat) + norm2(y)", "triangle inequality"),
    Axiom("residual against small predictions", "residual >= norm2(y) - norm2(yhat)", "triangle inequality"),
    Axiom("residual against small labels", "residual >= norm2(yhat) - norm2(y)", "triangle inequality"),
    Axiom("least loss", "0 <= loss_star <= loss", "an infimum is at most a value"),
    Axiom("gradient is a norm", "grad_norm >= 0", "definition"),
    Axiom("no path yet", "path_length == 0", "definition: at initialization nothing has moved"),
    Axiom("Gram matrix is semidefinite", "lambda_min(G) >= 0", "G = features' features"),
    Axiom("tangent kernel is semidefinite", "lambda_min(NTK) >= 0", "NTK = J J' with J the Jacobian"),
    Axiom("trace of the Gram matrix", "trace(G) == norm_fro(features)**2", "trace(F'F) = |F|_F^2"),
    Axiom("largest eigenvalue of the Gram matrix", "lambda_max(G) == norm2(features)**2",
          f"{HORN_JOHNSON}, 5.6.6: |F|_2^2 is the largest eigenvalue of F'F"),
    Axiom("least eigenvalue of the Gram matrix", "n*lambda_min(G) <= norm_fro(features)**2",
          "the mean of the n eigenvalues of F'F is |F|_F^2/n"),
    Axiom("least eigenvalue against the largest", "lambda_min(G) <= norm2(features)**2",
          "the least eigenvalue of F'F is at most the largest"),
    Axiom("rank of the Gram matrix", "lambda_min(G)*max(n - m, 0) == 0",
          "F'F is n x n and has rank at most m: with n > m it is singular"),
    Axiom("least singular value of the features", "lambda_min(G) <= sigma_min(features)**2",
          f"{HORN_JOHNSON}, 2.6.3; with n > m the left side is 0"),
    Axiom("least singular value, no more samples than features",
          "(lambda_min(G) - sigma_min(features)**2)*max(m - n + 1, 0) == 0",
          f"{HORN_JOHNSON}, 2.6.3: for n <= m the eigenvalues of F'F are the squared singular values of F"),
)  # fmt: skip
"""What holds in every trained setting."""
