"""Questions about trees that need no numbers: which names, which functions, how far ahead."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from checker.expression.canonical import same_at_start
from checker.expression.tree import Atom, Binary, Call, Claim, Comparison, Name, Negate, Node

__all__ = [
    "calls",
    "calls_of_claim",
    "children",
    "free_names",
    "free_names_of_claim",
    "gaps",
    "next_depth",
    "next_depth_of_claim",
    "parts_of",
    "rebuilt",
    "replaced",
    "roots",
    "same_at_start",
    "sides",
    "substitute",
    "substitute_claim",
    "walk",
]


def walk(node: Node) -> Iterator[Node]:
    """Every node of a tree, the root first, left to right."""
    todo = [node]
    while todo:
        here = todo.pop()
        yield here
        todo.extend(reversed(children(here)))


def children(node: Node) -> tuple[Node, ...]:
    """The direct operands and arguments."""
    match node:
        case Negate(argument):
            return (argument,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case _:
            return ()


def roots(claim: Claim) -> tuple[Node, ...]:
    """Both sides of every comparison, and the node of every atom."""
    out: list[Node] = []
    for part in claim.parts:
        out.extend((part.left, part.right) if isinstance(part, Comparison) else (part.node,))
    return tuple(out)


def parts_of(claims: Iterable[Claim]) -> list[Comparison]:
    """Every comparison of the claims, in order; atoms aside."""
    return [part for claim in claims for part in claim.parts if isinstance(part, Comparison)]


def sides(part: Comparison) -> tuple[Node, Node]:
    """What the comparison says is the smaller side, and the larger; left and right of an equation."""
    return (part.right, part.left) if part.operator in (">", ">=") else (part.left, part.right)


def gaps(parts: Iterable[Comparison]) -> frozenset[Node]:
    """The differences `large - small` that the comparisons say are not negative."""
    ordered = (sides(part) for part in parts if part.operator != "==")
    return frozenset(Binary("-", large, small) for small, large in ordered)


def free_names(node: Node) -> frozenset[str]:
    """Every name that occurs, functions aside; found once a node and kept, for folds ask at every height."""
    known: frozenset[str] | None = node.__dict__.get("_names")
    if known is None:
        own = frozenset({node.name}) if isinstance(node, Name) else frozenset[str]()
        known = own.union(*map(free_names, children(node)))
        object.__setattr__(node, "_names", known)
    return known


def free_names_of_claim(claim: Claim) -> frozenset[str]:
    """Every name that occurs in a claim; a bare `well_posed` counts."""
    return frozenset().union(*(free_names(root) for root in roots(claim)))


def calls(node: Node) -> frozenset[str]:
    """Every function and operator that occurs by name."""
    return frozenset(here.function for here in walk(node) if isinstance(here, Call))


def calls_of_claim(claim: Claim) -> frozenset[str]:
    """Every function and operator that occurs in a claim by name."""
    return frozenset().union(*(calls(root) for root in roots(claim)))


def next_depth(node: Node) -> int:
    """How many steps ahead of tau an expression looks: the deepest nesting of `next`."""
    own = int(isinstance(node, Call) and node.function == "next")
    return own + max((next_depth(child) for child in children(node)), default=0)


def next_depth_of_claim(claim: Claim) -> int:
    """How many steps ahead of tau a claim looks."""
    return max((next_depth(root) for root in roots(claim)), default=0)


def substitute(node: Node, mapping: Mapping[str, Node]) -> Node:
    """The tree with each name in the mapping replaced, once; what is put in is not looked at again."""
    match node:
        case Name(name):
            return mapping.get(name, node)
        case _:
            return rebuilt(node, lambda child: substitute(child, mapping))


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with every direct operand and argument changed."""
    match node:
        case Negate(argument):
            return replace(node, argument=change(argument))
        case Binary(_, left, right):
            return replace(node, left=change(left), right=change(right))
        case Call(_, arguments):
            return replace(node, arguments=tuple(map(change, arguments)))
        case _:
            return node


def replaced(node: Node, mapping: Mapping[Node, Node]) -> Node:
    """The tree with every subtree in the mapping replaced; what is put in is not looked at again."""
    return mapping[node] if node in mapping else rebuilt(node, lambda child: replaced(child, mapping))


def substitute_claim(claim: Claim, mapping: Mapping[str, Node]) -> Claim:
    """The claim with each name in the mapping replaced; the text stays. Atoms stay."""
    return Claim(
        claim.text,
        tuple(
            part
            if isinstance(part, Atom)
            else Comparison(part.operator, substitute(part.left, mapping), substitute(part.right, mapping))
            for part in claim.parts
        ),
    )
