"""Is a run small enough to be made again? Its work is bounded before anything is computed.

A unit of work is about one product of two short balls. What is too large is left undecided.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from checker.certificate_content import dimension
from checker.certificate_findings import Finding
from checker.certificate_format import Certificate
from checker.configuration import Configuration
from checker.expression.simplify import roots, walk
from checker.expression.tree import Binary, Call, Node
from checker.hypotheses import gates
from checker.names import claim_dependencies
from checker.settings import SETTINGS
from checker.theorem import Theorem
from checker.verdict import Verdict

MOST_WORK: Final = 2 * 10**9
MOST_ENTRIES: Final = 2**22
"""The most entries of all arrays together, and of any one that a claim forms."""

_MOST_BYTES: Final = 2**29
_BALL: Final = 48
"""Bytes of a short ball."""

_STEP: Final = 20_000
_PRODUCTS: Final = 60
"""What a step costs besides its arithmetic, and the least arithmetic that it has."""

_ADJOINT: Final = 5
"""Products of a step of training per sample and cube of the width: two linear systems a sample."""

_SHORT: Final = 512
_SOLVING: Final = frozenset({"inv", "lambda_min", "lambda_max", "sigma_min", "spectral_radius", "norm2"})
_PER_ENTRY: Final = 8
"""Products per entry and row of an inverse or of a spectral bound."""


def check_size(theorem: Theorem, certificate: Certificate, configuration: Configuration) -> Finding:
    """Is the run small enough to be made again?"""
    sizes = configuration.sizes
    m, n, d = sizes.get("m", 1), sizes["n"], sizes["d"]
    stored = sum(array.floats.size for array in configuration.arrays.values())
    at_start, at_steps, largest = _claims(theorem, certificate, configuration)
    # A product of numbers k times as long takes up to k**1.6 times as long (Karatsuba).
    length = max(1.0, certificate.precision / _SHORT) ** 1.6
    products = _PRODUCTS + m * (m + d) * (m + n) + n * n * m + at_steps
    work = at_start + (certificate.step + 9) * (_STEP + products * length)
    if SETTINGS[theorem.setting].has_equilibrium and theorem.algorithm == "gradient-descent":
        work += (certificate.step + 1) * _ADJOINT * n * m**3 * length
    space = max(stored, largest) * (_BALL + certificate.precision // 8)
    if max(stored, largest) > MOST_ENTRIES or space > _MOST_BYTES or work > MOST_WORK:
        return Finding("size", Verdict.UNDECIDED, "the run is too large to be made again")
    return Finding("size", Verdict.HOLDS, "")


def _claims(
    theorem: Theorem, certificate: Certificate, configuration: Configuration
) -> tuple[float, float, int]:
    """The work of claims judged once, of the conclusion at every step, and the largest array formed."""
    claims = [gate.claim for gate in gates(theorem, configuration)]
    conclusion = [c.claim for c in theorem.conclusions if c.name == certificate.claim.name]
    names = frozenset[str]().union(
        *(claim_dependencies(claim, theorem.definitions) for claim in (*claims, *conclusion))
    )
    once = [theorem.definitions[name] for name in names if name in theorem.definitions]
    once += [node for claim in claims for node in roots(claim)]
    always = [node for claim in conclusion for node in roots(claim)]
    sizes = configuration.sizes
    largest = max((_entries(node, sizes) for root in (*once, *always) for node in walk(root)), default=1)
    return _work(once, sizes), _work(always, sizes), largest


def _work(nodes: Iterable[Node], sizes: Mapping[str, int]) -> float:
    return sum(_cost(node, sizes) for root in nodes for node in walk(root))


def _cost(node: Node, sizes: Mapping[str, int]) -> float:
    if isinstance(node, Binary) and node.operator == "@":
        rows, inner = _shape(node.left, sizes)[0], _shape(node.left, sizes)[-1]
        return rows * inner * _shape(node.right, sizes)[-1]
    if isinstance(node, Call) and node.function in _SOLVING:
        shape = _shape(node.arguments[0], sizes)
        return _PER_ENTRY * shape[0] * shape[-1] * min(shape) if len(shape) == 2 else shape[0]
    return _entries(node, sizes)


def _entries(node: Node, sizes: Mapping[str, int]) -> int:
    found = 1
    for size in _shape(node, sizes):
        found *= size
    return found


def _shape(node: Node, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The sizes of a value; (1,) for a number, and where it is not known before it is computed."""
    return tuple(_dimensions(node, sizes)) or (1,)


def _dimensions(node: Node, sizes: Mapping[str, int]) -> Iterator[int]:
    for dim in node.shape or ():
        try:
            yield max(1, dimension(dim, sizes))
        except (KeyError, ValueError):
            yield 1
