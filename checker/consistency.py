"""Rules across the tables of a theorem file: its kind against its tables, its names against its draws."""

from collections.abc import Mapping
from typing import Final

from checker.errors import TheoremError
from checker.expression.simplify import children, free_names, free_names_of_claim, roots
from checker.expression.tree import Name, Node
from checker.scene import dependencies
from checker.settings.base import Setting
from checker.theorem import EXACT_LAWS, NamedClaim, Theorem

MAX_HEIGHT: Final = 128
MAX_EXPANDED: Final = 100_000

_FREE_OF_DRAWS: Final = frozenset({"X", "y", "L_phi", "L_dphi", "phi_0", "K", "K_NTK"})
"""Names of a setting that no drawn parameter enters; X, y and the kernels move with random data."""


def _error(theorem: Theorem, place: str, message: str) -> TheoremError:
    return TheoremError(f"{theorem.origin}: {place}: {message}")


def expansion(node: Node, known: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Height and number of nodes once every name in `known` is written out."""
    if isinstance(node, Name):
        return known.get(node.name, (1, 1))
    inner = [expansion(child, known) for child in children(node)]
    return 1 + max((height for height, _ in inner), default=0), 1 + sum(nodes for _, nodes in inner)


def check_expansion(theorem: Theorem) -> None:
    """Refuse definitions that grow beyond measure when written out, so that every fold may recurse."""
    known: dict[str, tuple[int, int]] = {}
    for name, node in theorem.definitions.items():
        known[name] = _fits(theorem, f"definitions.{name}", node, known)
    for place, claims in (("hypotheses", theorem.hypotheses), ("conclusions", theorem.conclusions)):
        for claim in claims:
            for root in roots(claim.claim):
                _fits(theorem, f"{place}.{claim.name}", root, known)
    values: dict[str, tuple[int, int]] = {}
    for name, parameter in theorem.parameters.items():
        for key, node in (("value", parameter.value), ("default", parameter.default)):
            if node is not None:
                values[name] = _fits(theorem, f"parameters.{name}.{key}", node, values)


def _fits(theorem: Theorem, place: str, node: Node, known: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    height, nodes = expansion(node, known)
    if height > MAX_HEIGHT:
        raise _error(theorem, place, f"definitions written out nest at most {MAX_HEIGHT} deep, not {height}")
    if nodes > MAX_EXPANDED:
        raise _error(theorem, place, f"definitions written out have at most {MAX_EXPANDED} parts")
    return height, nodes


def check_consistency(theorem: Theorem, setting: Setting) -> None:
    """The rules that tie `kind` to the tables a theorem must and must not have. Raises TheoremError."""
    if theorem.kind == "high-probability" and theorem.probability is None:
        raise _error(
            theorem, "theorem.kind", "'high-probability' needs [probability] with 'over' and 'holds'"
        )
    if theorem.kind != "high-probability" and theorem.probability is not None:
        raise _error(theorem, "probability", f'belongs to kind = "high-probability", not "{theorem.kind}"')
    if theorem.kind == "asymptotic" and theorem.limit is None:
        raise _error(theorem, "theorem.kind", "'asymptotic' needs [limit] with 'grows'")
    if theorem.kind != "asymptotic" and theorem.limit is not None:
        raise _error(theorem, "limit", f'belongs to kind = "asymptotic", not "{theorem.kind}"')
    if theorem.kind == "asymptotic":
        for conclusion in theorem.conclusions:
            _check_hidden(theorem, conclusion)
    if theorem.scope.data_norm is not None and "X" in theorem.data:
        message = "states X already, as a law; drop this key, or drop X there and keep it here"
        raise _error(theorem, "scope.data_norm", f"[data] {message}")
    norm = theorem.scope.data_norm
    if norm is not None and theorem.step in dependencies(norm, theorem.definitions):
        message = f"{theorem.step} is the step size, chosen for given data; use another parameter"
        raise _error(theorem, "scope.data_norm", message)
    if theorem.probability is not None:
        _check_free_of_draws(theorem, setting, theorem.probability.holds)


def _check_hidden(theorem: Theorem, conclusion: NamedClaim) -> None:
    hidden = {name for name, parameter in theorem.parameters.items() if parameter.quantifier == "hidden"}
    used: set[str] = set()
    for name in free_names_of_claim(conclusion.claim):
        used |= {name} | dependencies(theorem.definitions.get(name, Name(name)), theorem.definitions)
    if not used & hidden:
        advice = (
            ", ".join(sorted(hidden))
            or 'none is declared; write C = { domain = "0 < C", quantifier = "hidden" }'
        )
        raise _error(
            theorem,
            f"conclusions.{conclusion.name}",
            f"an asymptotic claim carries a hidden constant ({advice})",
        )


def _check_free_of_draws(theorem: Theorem, setting: Setting, holds: Node) -> None:
    laws = theorem.initialization
    drawn = {name for name, draw in laws.items() if draw.law not in EXACT_LAWS}
    random_data = {name for name, draw in theorem.data.items() if draw.law not in EXACT_LAWS}
    free = set(_FREE_OF_DRAWS) - random_data - ({"K", "K_NTK"} if "X" in random_data else set())
    free |= set(setting.parameters) - drawn
    own = (set(setting.names) | set(setting.parameters)) - set(setting.sizes) - set(setting.scalars)
    for name in sorted(free_names(holds)):
        for used in sorted(dependencies(theorem.definitions.get(name, Name(name)), theorem.definitions)):
            is_own = used in own and used not in theorem.parameters and used not in theorem.definitions
            if is_own and used not in free and (drawn or random_data):
                through = "" if name == used else f"'{name}' uses '{used}', which depends on drawn arrays; "
                raise _error(
                    theorem,
                    "probability.holds",
                    f"{through}write it in parameters, sizes and definitions free of drawn arrays",
                )
