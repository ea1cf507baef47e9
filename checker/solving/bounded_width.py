"""A width by high-probability bounds: the hypotheses hold for every start on which the bounds hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from flint import arb, fmpq

from checker.admissible import reduce
from checker.configuration import Configuration, exact, scalar
from checker.enclosure import Ball
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.ranges import Ranges
from checker.expression.simplify import free_names_of_claim, parts_of
from checker.expression.tree import Atom, Call, Name, Node
from checker.hypotheses import gates
from checker.intervals import Interval, number
from checker.scene import dependencies
from checker.solving.boxes import box_margin, surely
from checker.solving.climb import COARSE, MOST_UNKNOWNS, best_seed, climb
from checker.solving.decimals import above
from checker.solving.largest import exact_point, starts
from checker.solving.oracle import outer
from checker.solving.rewrite import all_gates, folded, open_names, replaced, replaced_claim
from checker.solving.tails import Start, Tails, deviation, events, measured, tails
from checker.theorem import Draw, Theorem

MOST = 10**15
"""The largest width tried."""

FAILURE = fmpq(1, 20)
"""The probability with which any of the events may fail, together."""

_DIGITS = 2

_ALIASES: Mapping[Node, str] = {
    Call("norm2", (Name("G"),)): "lambda_max(G)",
    Call("sigma_min", (Name("G"),)): "lambda_min(G)",
    Call("norm2", (Name("features"),)): "norm2(T)",
    Call("norm_fro", (Name("features"),)): "norm_fro(T)",
    Call("norm_fro", (Name("a"),)): "norm2(a)",
    Call("norm_fro", (Name("y"),)): "norm2(y)",
}
_MEASURED = (
    *(("norm2", name) for name in ("W", "U", "a", "X", "T", "y")),
    *(("norm_fro", name) for name in ("X", "T")),
    *(("lambda_min", "G"), ("lambda_max", "G")),
)


@dataclass(frozen=True)
class BoundedWidth:
    """A width at which the hypotheses hold on the events, with the `events` that fail with probability at
    most `failure` together; None and a reason where there is none."""

    width: int | None
    reason: str
    failure: float = 0.0
    events: tuple[str, ...] = ()


def start_of(theorem: Theorem, configuration: Configuration, laws: Mapping[str, Draw]) -> Start:
    """The Gaussian start, its variances of the right order in m. Raises NotEnclosed where it is another."""
    if theorem.setting != "deq" or configuration.activation is None:
        raise NotEnclosed("explicit bounds are known for the setting deq only")
    found: dict[str, list[Ball]] = {}
    for name in ("W", "U", "a"):
        law = laws[name]
        if law.law == "zeros":
            found[name] = [fmpq(0), fmpq(0)]
            continue
        if law.law != "normal":
            raise NotEnclosed(f"{name} is not Gaussian")
        found[name] = []
        for m in (64, 128):
            wide = replace(configuration, sizes={**configuration.sizes, "m": m})
            mean, variance = (scalar(node, wide) for node in law.arguments)
            if mean != 0:
                raise NotEnclosed(f"{name} is not centred")
            found[name].append(variance if name == "U" else variance * m)
    for name, (one, other) in found.items():
        same = bool(one == other)
        if not same:
            order = "does not depend on m" if name == "U" else "is of order 1/m"
            raise NotEnclosed(f"it is not seen that the variance of {name} {order}")
    X, y = (exact(configuration.arrays[name], configuration) for name in ("X", "y"))
    readout = None if found["a"][0] == 0 else found["a"][0]
    return Start(configuration.activation, found["W"][0], found["U"][0], readout, X, y)


def _substitutions(theorem: Theorem) -> dict[Node, Node]:
    """Measured expressions as names; arrays that a definition only renames count as the array."""
    swap: dict[Node, Node] = {Call(f, (Name(name),)): Name(f"{f}({name})", shape=()) for f, name in _MEASURED}
    swap |= {node: Name(text, shape=()) for node, text in _ALIASES.items()}
    for alias, node in theorem.definitions.items():
        if isinstance(node, Name):
            same = {
                Call(c.function, (Name(alias),)): new
                for c, new in swap.items()
                if isinstance(c, Call) and c.arguments == (node,)
            }
            swap |= same
    return swap


class _Bounded:
    """The claims of a theorem over the intervals of one width."""

    def __init__(
        self, theorem: Theorem, configuration: Configuration, known: Tails, unknown: tuple[str, ...]
    ) -> None:
        swap = _substitutions(theorem)
        self._definitions = {name: folded(replaced(node, swap)) for name, node in theorem.definitions.items()}
        named = all_gates(theorem, configuration, unknown)
        if len(named) < len(gates(theorem, configuration)):
            raise NotEnclosed("a hypothesis has a hidden constant or speaks of every input")
        for claim in (c.claim for c in named):
            if any(isinstance(part, Atom) for part in claim.parts):
                raise NotEnclosed(f"no bound is known for {claim.text[:60]}")
        changed = [replaced_claim(c.claim, swap) for c in named]
        self._reduced = reduce(changed, self._definitions, frozenset(unknown))
        if self._reduced.skipped:
            raise NotEnclosed(f"no bound is known for {self._reduced.skipped[0][:60]}")
        seen = frozenset[str]().union(*map(free_names_of_claim, self._reduced.claims))
        self.unknown = tuple(name for name in unknown if name in seen)
        if len(self.unknown) > MOST_UNKNOWNS:
            raise NotEnclosed(f"not sought: too many unknowns, {len(self.unknown)}")
        self._parts = parts_of(self._reduced.claims)
        self._known, self._configuration = known, configuration

    def measures(self, name: str) -> bool:
        """Does a claim use a measured number, also through definitions?"""
        return any(name in dependencies(node, self._definitions) for node in self._reduced.leaves.values())

    def leaves(self, m: int, t: arb) -> dict[str, Interval] | None:
        """Every leaf of the claims at a width; None where one may have no value.

        Raises KeyError for what has no bound.
        """
        sizes = {**self._configuration.sizes, "m": m}
        wide = replace(self._configuration, sizes=sizes)
        values = {name: number(Fraction(k)) for name, k in sizes.items()}
        for name, node in self._configuration.parameters.items():
            values[name] = outer(scalar(node, wide))
        box = Ranges(values | measured(self._known, m, sizes["d"], t), self._definitions)
        found = {name: box.node(node) for name, node in self._reduced.leaves.items()}
        return found if box.certain else None

    def _box(self, leaves: Mapping[str, Interval], logs: Sequence[float]) -> Ranges:
        point = exact_point(self.unknown, logs)
        return Ranges({**leaves, **{k: number(v) for k, v in point.items()}}, {})

    def choose(self, leaves: Mapping[str, Interval], logs: list[float] | None) -> list[float] | None:
        """Logarithms of the unknowns that make the worst margin large; None where nothing is defined."""

        def oracle(x: Sequence[float]) -> list[arb] | None:
            box = self._box(leaves, x)
            found: list[arb] = []
            for part in self._parts:
                margin = box_margin(part, box)
                if margin is None:
                    return None
                found.append(margin)
            return found

        start = best_seed(oracle, [logs] if logs is not None else []) or best_seed(
            oracle, starts(self.unknown, {})
        )
        return None if start is None else climb(oracle, start, width=COARSE, narrow=COARSE, enough=0.0)[0]

    def holds(self, leaves: Mapping[str, Interval], logs: Sequence[float]) -> bool:
        """Do all claims hold for every value of the leaves?"""
        box = self._box(leaves, logs)
        return all(surely(claim, box) for claim in self._reduced.claims)


def bounded_width(theorem: Theorem, configuration: Configuration, laws: Mapping[str, Draw]) -> BoundedWidth:
    """The smallest width found, by doubling and bisection to about two digits, up to MOST."""
    fixed = {n for n, p in theorem.parameters.items() if p.value is not None}
    fixed |= {n for n, p in theorem.parameters.items() if p.quantifier == "forall" and n != theorem.step}
    kept = {k: v for k, v in configuration.parameters.items() if k in fixed}
    frame = replace(configuration, parameters=kept)
    try:
        start = start_of(theorem, frame, laws)
        if theorem.scope.activation is not None and start.activation not in theorem.scope.activation:
            return BoundedWidth(None, "the activation is outside the scope")
        known = tails(start)
        bounded = _Bounded(theorem, frame, known, open_names(theorem, kept))
        used = events(bounded.measures("norm2(U)"), start.readout is not None)
        return _search(bounded, used, max(1, frame.sizes["n"]))
    except KeyError as error:
        return BoundedWidth(None, f"no bound is known for {error.args[0]}")
    except (NotEnclosed, CertainlyUndefined) as error:
        return BoundedWidth(None, error.reason)


def _search(bounded: _Bounded, used: tuple[str, ...], least: int) -> BoundedWidth:
    t = deviation(FAILURE, len(used))
    logs: list[float] | None = None

    def attempt(m: int) -> bool:
        nonlocal logs
        leaves = bounded.leaves(m, t)
        if leaves is None:
            return False
        logs = bounded.choose(leaves, logs)
        return logs is not None and bounded.holds(leaves, logs)

    low, high = least, least
    while not attempt(high):
        low, high = high, high * 4
        if high > MOST:
            text = f"the bounds satisfy the hypotheses at no width up to {MOST:.0e}"
            return BoundedWidth(None, text, float(FAILURE.p) / float(FAILURE.q), used)
    while high > low + 1 and high - low > 10 ** (len(str(high)) - _DIGITS) // 2:
        middle = (low + high) // 2
        low, high = (low, middle) if attempt(middle) else (middle, high)
    shown = int(above(Fraction(high), _DIGITS))
    width = shown if shown == high or attempt(shown) else high
    return BoundedWidth(width, "", float(FAILURE.p) / float(FAILURE.q), used)
