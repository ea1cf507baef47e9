"""What random arrays do with stated probability, and what stated starts always do.

Tails are multiplicative: an event at level s in (0, 1) fails with probability at most exp(-s^2 N), where N
grows with the array. Sources: Davidson & Szarek, Local operator theory, random matrices and Banach spaces, in
Handbook of the Geometry of Banach Spaces I (2001), Theorem II.13; Laurent & Massart, Adaptive estimation of
a quadratic functional by model selection, Annals of Statistics 28 (2000), Lemma 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from checker.expression.text import to_text
from checker.expression.tree import Number, Shape
from checker.theorem import Draw

DAVIDSON_SZAREK: Final = "Davidson & Szarek (2001), Theorem II.13"
LAURENT_MASSART: Final = "Laurent & Massart, Annals of Statistics 28 (2000), Lemma 1"


@dataclass(frozen=True)
class Tail:
    """An event of one random array, and the most its complement can weigh.

    `text` is the event at level {s}, in the claim language; it fails with probability at most
    exp(-s**2 * `rate`), with the rate in sizes, which grows with every size in `sizes`. Levels lie in
    (0, `highest`).
    """

    name: str
    array: str
    text: str
    rate: str
    source: str
    sizes: frozenset[str]
    highest: Fraction = Fraction(1)

    def event(self, level: Fraction) -> str:
        """The event at a level, in the claim language."""
        return self.text.format(s=f"({to_text(Number(level))})")

    def failure(self, level: Fraction) -> str:
        """The most probability with which the event at a level does not happen, in the claim language."""
        square = level * level
        top = self.rate if square.numerator == 1 else f"{square.numerator}*{self.rate}"
        return f"exp(-{top}/{square.denominator})" if square.denominator > 1 else f"exp(-{top})"


def tails(array: str, shape: Shape, law: Draw) -> Iterator[Tail]:
    """The tails of an array with independent N(0, v) entries; nothing for other laws.

    Norms by chi-square (Laurent & Massart with x = s^2 N): N the number of entries. Spectral norms by
    Davidson & Szarek with t = s (sqrt(k) + sqrt(l)).
    """
    if law.law != "normal" or not isinstance(law.arguments[0], Number) or law.arguments[0].value != 0:
        return
    v = f"({to_text(law.arguments[1])})"
    dims = [str(size) if str(size).isalnum() else f"({size})" for size in shape]
    count, half = "*".join(dims), Fraction(1, 2)
    sizes = frozenset(size for size in shape if isinstance(size, str))
    squared = f"{'norm2' if len(shape) == 1 else 'norm_fro'}({array})**2"
    below, above = "(1 - 2*{s})", "(1 + 2*{s} + 2*{s}**2)"
    chi = (count, LAURENT_MASSART, sizes)
    yield Tail(f"norm of {array} from below", array, f"{squared} >= {v}*{count}*{below}", *chi, half)
    yield Tail(f"norm of {array} from above", array, f"{squared} <= {v}*{count}*{above}", *chi)
    if len(shape) == 1:
        return
    k, l = dims  # noqa: E741  # the letters of the sources
    both = f"(sqrt({k}) + sqrt({l}))"
    normal = (f"{both}**2/2", DAVIDSON_SZAREK, sizes)
    text = f"norm2({array}) <= (1 + {{s}})*sqrt({v})*{both}"
    yield Tail(f"spectral norm of {array} from above", array, text, *normal)
    if k != l:
        text = f"sigma_min({array}) >= sqrt({v})*(abs(sqrt({k}) - sqrt({l})) - {{s}}*{both})"
        yield Tail(f"least singular value of {array} from below", array, text, *normal)
    for size, what in dict(((k, "column"), (l, "row"))[:: 1 if k != l else -1]).items():
        source = f"{LAURENT_MASSART}, since |A|_2 is at least the norm of any {what}"
        name = f"spectral norm of {array} from below, by a {what}"
        text = f"norm2({array})**2 >= {v}*{size}*{below}"
        yield Tail(name, array, text, size, source, frozenset({size}) & sizes, half)


def exact_start(array: str, shape: Shape, law: Draw) -> Iterator[tuple[str, str, str]]:
    """(name, claim text, source) of what a stated law always gives."""
    norm = "norm2" if len(shape) == 1 else "norm_fro"
    count = "*".join(f"({size})" for size in shape)
    where = "stated in [initialization] or [data]"
    arguments = [f"({to_text(node)})" for node in law.arguments]
    match law.law:
        case "zeros":
            for each in dict.fromkeys((norm, "norm2")):
                yield f"{array} starts at zero", f"{each}({array}) == 0", where
        case "constant":
            yield f"{array} is constant", f"{norm}({array})**2 == {count}*{arguments[0]}**2", where
        case "rademacher":
            yield f"{array} has entries +1 and -1", f"{norm}({array})**2 == {count}", where
        case "uniform":
            most = f"max({arguments[0]}**2, {arguments[1]}**2)"
            yield f"{array} has bounded entries", f"{norm}({array})**2 <= {count}*{most}", where
        case "orthogonal":
            k, l = (f"({size})" for size in shape)  # noqa: E741  # the letters of the sources
            yield f"{array} is orthogonal", f"norm2({array}) == abs({arguments[0]})", where
            yield f"singular values of {array}", f"sigma_min({array}) == abs({arguments[0]})", where
            squared = f"norm_fro({array})**2 == min({k}, {l})*{arguments[0]}**2"
            yield f"Frobenius norm of {array}", squared, where
        case _:
            return
