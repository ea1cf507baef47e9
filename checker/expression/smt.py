"""A proof step as SMT-LIB 2 text: one generator, read by every solver.

Partial functions are written out. sqrt(x) becomes a fresh y >= 0 with y*y = x and the side condition
x >= 0; a/b becomes a fresh q with q*b = a and the side condition b != 0. An assumption that is true is
defined, so its side conditions are facts; those of the conclusion have to follow and are kept apart.
exp, log, tanh, sin, cos and pi become fresh variables that satisfy a few true facts: what is proved of
every such variable is proved of the function, and a model of them proves nothing until it is re-checked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from checker.expression.smt_graphs import GRAPHS, SHARP
from checker.expression.smt_text import SideCondition, StepScript, number, smt_name
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node, Number, Pi

_MAX_POWER = 64
_MAX_ROOT = 16
_MAX_TEXT = 200_000
_PI_LOWER = Fraction(31415926535897932384626433832795028841971, 10**40)


class BeyondSolversError(Exception):
    """The step uses something that has no translation; `reason` is a short clause for reports."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode_step(assume: tuple[Claim, ...], show: Claim, *, sharp: bool = False) -> StepScript:
    """The step "assume implies show" over real variables. Raises BeyondSolversError.

    `sharp` adds further true facts about exp, log and tanh, which help where the first ones do not suffice.
    """
    builder = _Builder(sharp)
    for claim in assume:
        truth = builder.truth(claim)
        builder.add_fact(truth)
    builder.assuming = False
    builder.sides.clear()  # the assumptions' side conditions stay as facts
    assumed = len(builder.facts)
    conclusion = builder.truth(show)
    if sum(map(len, builder.facts)) + len(conclusion) > _MAX_TEXT:
        raise BeyondSolversError("the step is too long for the solvers")
    return StepScript(
        variables=tuple(builder.variables),
        fresh=tuple(builder.fresh),
        facts=tuple(builder.facts),
        assumed=assumed,
        conclusion=conclusion,
        sides=tuple(builder.sides),
        bounded=tuple(dict.fromkeys(builder.bounded)),
        linear=builder.linear,
    )


def constant(node: Node) -> Fraction | None:
    """The exact value of a small constant expression, None where it is none (or too large)."""
    match node:
        case Number(value=value):
            return value
        case Negate(argument=argument):
            inner = constant(argument)
            return None if inner is None else -inner
        case Binary(operator=operator, left=left, right=right):
            a, b = constant(left), constant(right)
            if a is None or b is None:
                return None
            return _fold(operator, a, b)
        case _:
            return None


def _fold(operator: str, a: Fraction, b: Fraction) -> Fraction | None:
    if operator == "/":
        return a / b if b else None
    if operator == "**":
        size = max(a.numerator.bit_length(), a.denominator.bit_length())
        small = b.denominator == 1 and size * abs(b.numerator) <= 4096
        return a ** int(b) if small and (a or b >= 0) else None
    folds: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
    }
    return folds[operator](a, b) if operator in folds else None


@dataclass
class _Builder:
    """Collects declarations and facts while a claim is folded. Equal nodes share one term."""

    sharp: bool = False
    assuming: bool = True
    variables: dict[str, None] = field(default_factory=dict[str, None])
    fresh: list[str] = field(default_factory=list[str])
    facts: list[str] = field(default_factory=list[str])
    sides: list[SideCondition] = field(default_factory=list[SideCondition])
    bounded: list[str] = field(default_factory=list[str])
    terms: dict[Node, str] = field(default_factory=dict[Node, str])
    length: int = 0
    linear: bool = True
    graphs: dict[str, list[tuple[str, str]]] = field(default_factory=dict[str, list[tuple[str, str]]])

    def truth(self, claim: Claim) -> str:
        """The formula of a claim; facts about its parts are collected on the way."""
        parts = [self._part(part) for part in claim.parts]
        return parts[0] if len(parts) == 1 else "(and " + " ".join(parts) + ")"

    def _part(self, part: Comparison | Atom) -> str:
        if isinstance(part, Atom):
            raise BeyondSolversError("the step is not a statement over the real numbers")
        operator = "=" if part.operator == "==" else part.operator
        return f"({operator} {self.term(part.left)} {self.term(part.right)})"

    def term(self, node: Node) -> str:
        """The term of a scalar expression."""
        if node not in self.terms:
            self.terms[node] = self._build(node)
        if len(self.terms[node]) > _MAX_TEXT:
            raise BeyondSolversError("the step is too long for the solvers")
        return self.terms[node]

    def _build(self, node: Node) -> str:
        value = constant(node)
        if value is not None:
            return number(value)
        match node:
            case Name(name=name):
                self.variables[name] = None
                return smt_name(name)
            case Pi():
                pi = self._fresh()
                self.bounded.append("pi")
                upper = _PI_LOWER + Fraction(1, 10**40)
                self.add_fact(f"(and (< {number(_PI_LOWER)} {pi}) (< {pi} {number(upper)}))")
                return pi
            case Negate(argument=argument):
                return f"(- {self.term(argument)})"
            case Binary(operator="/", left=left, right=right):
                return self._quotient(self.term(left), right)
            case Binary(operator="**", left=left, right=right):
                return self._power(left, right)
            case Binary(operator=operator, left=left, right=right) if operator in ("+", "-", "*"):
                self.linear &= operator != "*" or constant(left) is not None or constant(right) is not None
                return f"({operator} {self.term(left)} {self.term(right)})"
            case Call(function=function, arguments=arguments):
                return self._call(function, arguments)
            case _:
                raise BeyondSolversError("arrays are beyond a step over real variables")

    def _quotient(self, numerator: str, denominator: Node) -> str:
        value = constant(denominator)
        if value:
            return f"(* {number(1 / value)} {numerator})"
        self.linear = False
        below = self.term(denominator)
        self._side(f"(not (= {below} 0.0))", "a denominator may be zero")
        quotient = self._fresh()
        self.add_fact(f"(= (* {quotient} {below}) {numerator})")
        return quotient

    def _power(self, base: Node, exponent: Node) -> str:
        self.linear = False
        value = constant(exponent)
        if value is None:
            return self._variable_power(self.term(base), self.term(exponent))
        if abs(value.numerator) > _MAX_POWER or value.denominator > _MAX_ROOT:
            raise BeyondSolversError(f"the exponent {value} is beyond the solvers")
        inner = self.term(base)
        if value.denominator > 1:
            inner = self._root(inner, value.denominator)
        power = self._repeated(inner, abs(value.numerator))
        if value >= 0:
            return power
        self._side(f"(not (= {inner} 0.0))", "a power with a negative exponent may divide by zero")
        inverse = self._fresh()
        self.add_fact(f"(= (* {inverse} {power}) 1.0)")
        return inverse

    def _variable_power(self, base: str, exponent: str) -> str:
        """x**y by what is known of it for x > 0: its sign, and on which side of 1 and of x it lies."""
        if not self.assuming:  # an assumption may be about 0**y, or (-2)**3
            reason = "a power with a variable exponent may be of a number that is not positive"
            self._side(f"(> {base} 0.0)", reason)
        value = self._fresh()
        self.bounded.append("a variable power")
        above, below = "(and (> x 1.0) (> y 0.0)) (and (< x 1.0) (< y 0.0))", "(or (= x 1.0) (= y 0.0))"
        more, same = "(and (> x 1.0) (> y 1.0)) (and (< x 1.0) (< y 1.0))", "(or (= x 1.0) (= y 1.0))"
        law = (
            f"(and (> p 0.0) (= (> p 1.0) (or {above})) (= (= p 1.0) {below})"
            f" (= (> p x) (or {more})) (= (= p x) {same}))"
        )
        self.add_fact(f"(let ((x {base}) (y {exponent}) (p {value})) (=> (> x 0.0) {law}))")
        return value

    def _root(self, inner: str, degree: int) -> str:
        self.linear = False
        self._side(f"(>= {inner} 0.0)", "the argument of a root may be negative")
        root = self._fresh()
        self.add_fact(f"(and (>= {root} 0.0) (= {self._repeated(root, degree)} {inner}))")
        return root

    def _repeated(self, inner: str, times: int) -> str:
        if times == 0:
            return "1.0"
        if times == 1:
            return inner
        return f"(let ((b {inner})) (* {' '.join(['b'] * times)}))"

    def _call(self, function: str, arguments: tuple[Node, ...]) -> str:
        if function in ("min", "max") and len(arguments) > 1:
            order = "<=" if function == "min" else ">="
            terms = [self.term(each) for each in arguments]
            best = terms[0]
            for other in terms[1:]:
                best = f"(let ((b {best}) (c {other})) (ite ({order} b c) b c))"
            return best
        if len(arguments) != 1:
            raise BeyondSolversError(f"{function} is beyond the solvers")
        self.linear &= function == "abs"
        if function == "exp" and (opposite := _opposite(arguments[0])) is not None:
            value, grown = self._fresh(), self.term(Call("exp", (opposite,)))
            self.add_fact(f"(and (> {value} 0.0) (= (* {value} {grown}) 1.0))")
            return value
        inner = self.term(arguments[0])
        if function == "abs":
            return f"(let ((b {inner})) (ite (>= b 0.0) b (- b)))"
        if function == "sqrt":
            return self._root(inner, 2)
        if function in ("sin", "cos"):
            return self._circle(function, inner)
        if function not in GRAPHS:
            raise BeyondSolversError(f"{function} is beyond the solvers")
        return self._graph(function, inner)

    def _graph(self, function: str, inner: str) -> str:
        """exp, log or tanh: bounds of its graph, and that it increases."""
        self.linear = False
        if function == "log":
            self._side(f"(> {inner} 0.0)", "the argument of a logarithm may not be positive")
        value = self._fresh()
        self.bounded.append(function)
        for fact in (*GRAPHS[function], *(SHARP[function] if self.sharp else ())):
            self.add_fact(f"(let ((x {inner}) (y {value})) {fact})")
        # The graph of log is that of exp with the axes exchanged, so that both are one increasing curve.
        curve, x, y = ("exp", value, inner) if function == "log" else (function, inner, value)
        for other_x, other_y in self.graphs.setdefault(curve, []):
            self.add_fact(f"(= (< {other_x} {x}) (< {other_y} {y}))")
            self.add_fact(f"(= (= {other_x} {x}) (= {other_y} {y}))")
            if self.sharp and curve == "exp":  # each lies above the other's tangent
                self.add_fact(f"(>= {y} (* {other_y} (+ 1.0 (- {x} {other_x}))))")
                self.add_fact(f"(>= {other_y} (* {y} (+ 1.0 (- {other_x} {x}))))")
        self.graphs[curve].append((x, y))
        return value

    def _circle(self, function: str, inner: str) -> str:
        """sin or cos: both at once, a point of the unit circle near the one at angle 0."""
        self.linear = False
        known = dict(self.graphs.setdefault("circle", []))
        if inner not in known:
            sine, cosine = self._fresh(), self._fresh()
            self.bounded.append("sin and cos")
            self.add_fact(f"(= (+ (* {sine} {sine}) (* {cosine} {cosine})) 1.0)")
            self.add_fact(
                f"(let ((x {inner})) (and (<= (* {sine} {sine}) (* x x)) (>= (+ {cosine} (* 0.5 x x)) 1.0)))"
            )
            known[inner] = f"{sine} {cosine}"
            self.graphs["circle"].append((inner, known[inner]))
        sine, cosine = known[inner].split()
        return sine if function == "sin" else cosine

    def _side(self, formula: str, reason: str) -> None:
        if formula not in self.facts:
            self.sides.append(SideCondition(formula, reason, len(self.facts)))
            self.add_fact(formula)

    def add_fact(self, formula: str) -> None:
        """One more true formula. Raises BeyondSolversError where there are too many."""
        self.length += len(formula)
        if self.length > _MAX_TEXT:
            raise BeyondSolversError("the step is too long for the solvers")
        self.facts.append(formula)

    def _fresh(self) -> str:
        name = f"f_{len(self.fresh) + 1}"
        self.fresh.append(name)
        return name


def _opposite(node: Node) -> Node | None:
    """The same with the other sign where it is written with a minus in front; None elsewhere."""
    match node:
        case Negate(argument=argument):
            return argument
        case Binary(operator="*" | "/", left=left):
            inner = _opposite(left)
            return None if inner is None else replace(node, left=inner)
        case Number(value=value) if value < 0:
            return Number(-value)
        case _:
            return None
