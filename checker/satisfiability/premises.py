"""What is known before a theorem's hypotheses are asked to hold: one list of claims over real numbers.

Hypotheses, scope, domains, definitions, the stated start, and the axioms of the setting, each with its name
and source. Every function of an array becomes one real variable (a leaf); a size is a real number from 1 on.
What cannot be said that way is left out, which only weakens what is known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias

from flint import arb

from checker.enclosure import to_arb
from checker.errors import ExpressionError
from checker.expression.parse import parse_claim
from checker.expression.shapes import Where, annotate_claim
from checker.expression.signs import is_nonnegative
from checker.expression.simplify import free_names, free_names_of_claim, rebuilt, substitute, walk
from checker.expression.smt import constant
from checker.expression.text import to_text
from checker.expression.tree import Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi, Shape
from checker.names import claim_dependencies, of_quantifier
from checker.satisfiability.monomials import Atoms, NotAMonomial, to_node
from checker.settings import SETTINGS
from checker.settings.axioms import read_axiom
from checker.settings.norm_axioms import compositions, orders
from checker.settings.tail_axioms import Tail, exact_start, tails
from checker.theorem import Theorem

Kind: TypeAlias = Literal["hypothesis", "definition", "scope", "domain", "value", "start", "axiom", "tail"]

_TWINS = {"norm_fro": "norm2"}
_OUTLYING = frozenset(
    {
        "NTK",
        "grad_norm",
        "loss_star",
        "gap",
        "preactivation",
        "path_length",
        "loss",
        "residual",
        "yhat",
        "y",
        "K",
    }
)
"""Names whose axioms are left out where no hypothesis leads to them."""

_ROUNDS = 3  # norms of the parts of the parts of an array


@dataclass(frozen=True)
class Premise:
    """One claim that is taken as true: `claim` in the theorem's names, `flat` over variables and leaves.

    A `tail` holds with the probability it states only; every other premise holds always.
    """

    kind: Kind
    name: str
    claim: Claim
    flat: Claim
    source: str = ""
    tail: Tail | None = None
    level: Fraction = Fraction(0)


class Premises:
    """The premises of one theorem, and the leaves that they share."""

    def __init__(self, theorem: Theorem) -> None:
        self.theorem = theorem
        self.setting = SETTINGS[theorem.setting]
        self._features = "X" if theorem.setting == "least-squares" else "T"
        self.leaves: dict[Node, str] = {}
        self._arrays = {n: node for n, node in theorem.definitions.items() if node.shape != ()}
        self._shapes = self._known_shapes()

    def _known_shapes(self) -> dict[str, Shape]:
        theorem, setting = self.theorem, self.setting
        names: dict[str, Shape] = {**setting.names, **setting.parameters, **dict.fromkeys(setting.sizes, ())}
        names |= dict.fromkeys(theorem.parameters, ())
        names |= {name: node.shape or () for name, node in theorem.definitions.items()}
        names |= {name: variable.shape for name, variable in theorem.variables.items()}
        for size, other in setting.aliases.items():
            names = {k: tuple(other if part == size else part for part in v) for k, v in names.items()}
        return names

    def read(self, text: str) -> Claim:
        """A claim in the theorem's names. Raises ExpressionError."""
        sizes = {size: self.setting.aliases.get(size, size) for size in self.setting.sizes}
        where = Where(place="a premise", sizes=sizes, functions=self._functions())
        return annotate_claim(parse_claim(text), self._shapes, where=where)

    def _functions(self) -> dict[str, tuple[Shape, Shape]]:
        return {name: (("d",), shape) for name, shape in self.setting.functions.items()}

    def stated(self) -> list[Premise]:
        """Hypotheses first, then what bounds sizes and parameters, then the definitions these use."""
        theorem = self.theorem
        found = [self._premise("hypothesis", h.name, h.claim) for h in theorem.hypotheses]
        found += [self._premise("scope", f"scope.{k}", c) for k, c in theorem.scope.sizes.items()]
        for name, parameter in theorem.parameters.items():
            if parameter.domain is not None:
                found.append(self._premise("domain", f"domain.{name}", parameter.domain))
            if parameter.value is not None:
                claim = Claim(
                    f"{name} == {to_text(parameter.value)}",
                    (Comparison("==", Name(name, shape=()), parameter.value),),
                )
                found.append(self._premise("value", name, claim))
        for name, node in theorem.definitions.items():
            if node.shape == ():
                claim = Claim(f"{name} == {to_text(node)}", (Comparison("==", Name(name, shape=()), node),))
                found.append(self._premise("definition", name, claim))
        hidden = of_quantifier(theorem, "hidden")
        kept = [p for p in found if p is not None]
        return [p for p in kept if not claim_dependencies(p.claim, theorem.definitions) & hidden]

    def starts(self) -> list[Premise]:
        """What the scope and the stated laws always give."""
        theorem = self.theorem
        texts: list[tuple[str, str, str]] = []
        for array, law in (*theorem.initialization.items(), *theorem.data.items()):
            texts += exact_start(array, self._shapes[array], law)
        norm = theorem.scope.data_norm
        if norm is not None:
            c, why = f"({to_text(norm)})", "scope.data_norm: every column of X has this norm"
            texts.append(("norm of the inputs", f"norm_fro(X)**2 == n*{c}**2", why))
            texts.append(
                (
                    "spectral norm of the inputs",
                    f"norm2(X) >= {c if is_nonnegative(norm) else 'abs' + c}",
                    why,
                )
            )
        for size, other in self.setting.aliases.items():
            texts.append((f"{size} is {other}", f"{size} == {other}", f"the setting {self.setting.name}"))
        texts += list(self._activation())
        return [p for text in texts if (p := self._of_text("start", *text)) is not None]

    def _activation(self) -> Iterator[tuple[str, str, str]]:
        """The constants of the activations in scope: exact where one value serves all, else bounds."""
        names = self.theorem.scope.activation or tuple(self.setting.activations)
        if not self.setting.has_activation or not names:
            return
        chosen = [self.setting.activations[name] for name in names]
        lipschitz = [to_arb(each.lipschitz()) for each in chosen]
        at_zero = [to_arb(each.at_zero()) for each in chosen]
        for name, values in (("L_phi", lipschitz), ("phi_0", at_zero)):
            low, high = min(map(_below, values)), max(map(_above, values))
            text = f"{name} == {low}" if low == high else f"{low} <= {name} <= {high}"
            what = names[0] if len(names) == 1 else "the activations in scope"
            yield f"{name} of {what}", text, "checker/activations.py, enclosed in balls"

    def axioms(self) -> list[Premise]:
        """The setting's axioms that serve this theorem, then the orders of every array mentioned so far."""
        theorem, setting = self.theorem, self.setting
        kinds = theorem.scope.activation or tuple(setting.activations)
        sizes = {size: setting.aliases.get(size, size) for size in setting.sizes}
        found: list[Premise] = []
        shapes = {**setting.names, **setting.parameters, **dict.fromkeys(setting.sizes, ())}
        for axiom in setting.axioms:
            if axiom.serves(kinds, theorem.trains or tuple(setting.parameters)):
                claim = read_axiom(axiom, shapes, sizes)
                premise = self._premise("axiom", axiom.name, claim, axiom.source)
                found += [premise] if premise is not None else []
        return found + self._generic()

    def _generic(self) -> list[Premise]:
        found: dict[str, Premise] = {}
        for _ in range(_ROUNDS):
            by_array: dict[Node, set[str]] = {}
            for leaf in list(self.leaves):
                if isinstance(leaf, Call) and len(leaf.arguments) == 1:
                    by_array.setdefault(leaf.arguments[0], set()).add(leaf.function)
            before = len(self.leaves)
            for array, functions in by_array.items():
                texts = [t for f in sorted(functions) for t in compositions(f, array)]
                if functions & {"norm2", "norm_fro"} and len(array.shape or ()) == 2:
                    functions |= {"norm2", "norm_fro"}
                for text in (*texts, *orders(array, functions)):
                    premise = self._of_text("axiom", *text) if text[0] not in found else None
                    if premise is not None:
                        found[premise.name] = premise
            if len(self.leaves) == before:
                break
        return list(found.values())

    def asked(self) -> list[Premise]:
        """Every premise that holds always and that bears on the hypotheses."""
        return self.relevant([*self.stated(), *self.starts(), *self.axioms()])

    def relevant(self, premises: list[Premise]) -> list[Premise]:
        """Those without definitions, domains and names of the setting that no hypothesis leads to."""
        names = frozenset[str]().union(
            *(free_names_of_claim(p.claim) for p in premises if p.kind in ("hypothesis", "scope"))
        )
        while True:
            more = names
            for p in premises:
                words = free_names_of_claim(p.claim)
                reached = p.kind in ("definition", "value") and p.name in names
                reached = reached or (p.kind == "domain" and p.name.removeprefix("domain.") in names)
                more |= words if reached else frozenset[str]()
                if p.kind in ("start", "tail"):
                    more |= words & self.theorem.parameters.keys()
            if more == names:
                break
            names = more
        outlying = frozenset(n for n in self.setting.names if n in _OUTLYING or n.startswith("grad_"))
        near = names & outlying
        for p in premises:
            words = free_names_of_claim(p.claim)
            near |= words & outlying if p.kind == "axiom" and words & names & outlying else frozenset[str]()
        return [p for p in premises if self._bears(p, names, outlying - near)]

    def _bears(self, p: Premise, names: frozenset[str], far: frozenset[str]) -> bool:
        if p.kind in ("hypothesis", "scope"):
            return True
        if p.kind in ("definition", "value", "domain"):
            return p.name.removeprefix("domain.") in names
        return not free_names_of_claim(p.claim) & far

    def tails(self, level: Fraction) -> list[Premise]:
        """The tails of the stated random start (and data), all at one level."""
        found: list[Premise] = []
        for array, law in (*self.theorem.initialization.items(), *self.theorem.data.items()):
            for tail in tails(array, self._shapes[array], law):
                premise = self.tail(tail, level)
                found += [premise] if premise is not None else []
        return found

    def tail(self, tail: Tail, level: Fraction) -> Premise | None:
        """One tail at a level."""
        try:
            claim = _shortened(self.read(tail.event(level)), frozenset(self.setting.sizes))
        except ExpressionError:
            return None
        premise = self._premise("tail", tail.name, claim, tail.source)
        return None if premise is None else replace(premise, tail=tail, level=level)

    def _of_text(self, kind: Kind, name: str, text: str, source: str) -> Premise | None:
        try:
            return self._premise(kind, name, self.read(text), source)
        except ExpressionError:
            return None

    def _premise(self, kind: Kind, name: str, claim: Claim, source: str = "") -> Premise | None:
        parts = [part for part in claim.parts if isinstance(part, Comparison)]
        if not parts:
            return None
        flat = tuple(Comparison(p.operator, self.flat(p.left), self.flat(p.right)) for p in parts)
        kept = Claim(claim.text, tuple(parts)) if len(parts) < len(claim.parts) else claim
        return Premise(kind, name, kept, Claim(claim.text, flat), source)

    def flat(self, node: Node) -> Node:
        """A scalar expression over variables and leaves."""
        match node:
            case Number() | Pi() | Name():
                return node
            case Negate(argument):
                return replace(node, argument=self.flat(argument))
            case Binary(_, left, right) if (left.shape, right.shape) == ((), ()):
                return replace(node, left=self.flat(left), right=self.flat(right))
            case Call(_, arguments) if all(argument.shape == () for argument in arguments):
                return replace(node, arguments=tuple(self.flat(argument) for argument in arguments))
            case _:
                leaf = self.canonical(node)
                if leaf.shape == () and isinstance(leaf, Name):
                    return leaf
                name = self.leaves.setdefault(leaf, f"0q{len(self.leaves)}")
                return Name(name, shape=())

    def canonical(self, node: Node) -> Node:
        """The same value written one way: definitions of arrays inlined, features by their own name."""
        for _ in range(len(self._arrays) + 1):
            inlined = substitute(node, self._arrays)
            if inlined == node:
                break
            node = inlined
        node = substitute(node, {"features": Name(self._features, shape=self._shapes[self._features])})
        return _one_name(node, self._features)

    def scalars(self) -> Mapping[str, Node]:
        """Each leaf's variable, and the tree it stands for."""
        return {name: node for node, name in self.leaves.items()}


def _one_name(node: Node, features: str) -> Node:
    """Frobenius norms of vectors as Euclidean ones, F'F as G, and functions of G by those of F if exact."""
    match node:
        case Call(function, (argument,)):
            inner = _one_name(argument, features)
            if function in _TWINS and len(inner.shape or ()) == 1:
                function = _TWINS[function]
            return replace(node, function=function, arguments=(inner,))
        case Binary("@", Call("transpose", (Name(left),)), Name(right)) if left == right == features:
            return Name("G", shape=("n", "n"))
        case _:
            return rebuilt(node, lambda child: _one_name(child, features))


def _shortened(claim: Claim, sizes: frozenset[str]) -> Claim:
    """The claim with its larger or smaller bound multiplied out, where that is one product in sizes."""
    part = claim.parts[0]
    if not isinstance(part, Comparison):
        return claim
    atoms = Atoms()
    try:
        found = atoms.polynomial(part.right)
    except (NotAMonomial, ArithmeticError):
        return claim
    # The algebra takes sqrt(x**2) for x, which is right for sizes and not for every parameter.
    if len(found) != 1 or not all(free_names(root) <= sizes for root in _roots_in(part.right)):
        return claim
    short = Comparison(part.operator, part.left, to_node(found, atoms.nodes))
    return replace(Claim(claim.text, (short,)), text=to_text(Claim(claim.text, (short,))))


def _roots_in(node: Node) -> Iterator[Node]:
    """What stands under a root, or is raised to a power that is no whole number."""
    for here in walk(node):
        if isinstance(here, Call) and here.function == "sqrt":
            yield here.arguments[0]
        elif isinstance(here, Binary) and here.operator == "**":
            exponent = constant(here.right)
            if exponent is None or exponent.denominator != 1:
                yield here.left


def _below(ball: arb) -> Fraction:
    return _fraction(ball.lower(), -1) if not ball.is_exact() else _fraction(ball, 0)


def _above(ball: arb) -> Fraction:
    return _fraction(ball.upper(), 1) if not ball.is_exact() else _fraction(ball, 0)


def _fraction(point: arb, outward: int) -> Fraction:
    """An exact ball as a fraction, or rounded outward to ten decimals."""
    man, exp = point.mid().man_exp()
    exact = Fraction(int(man)) * Fraction(2) ** int(exp)
    if outward == 0:
        return exact
    scaled = exact * 10**10
    whole = scaled.numerator // scaled.denominator
    return Fraction(whole + (1 if outward > 0 and scaled != whole else 0), 10**10)
