"""A theorem as a paper would print it: LaTeX of its statement, made from its trees alone.

Nothing here is free text of a file: titles, notes and reasons are escaped where a page is made. What stands
in math needs amsmath and amssymb; `\\begin{theorem}` and the title are the caller's.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from checker.expression.latex import latex, latex_name
from checker.expression.simplify import free_names
from checker.expression.tree import Shape
from checker.names import used_names
from checker.settings import SETTINGS
from checker.theorem import Draw, NamedClaim, Parameter, Theorem

_MODELS: Final = {
    "deq": r"$T = \varphi(W T + U X)$ and $\hat{y} = T^{\top} a$",
    "linear-deq": r"$T = W T + U X$ and $\hat{y} = T^{\top} a$",
    "least-squares": r"$\hat{y} = X^{\top} w$",
}
_MEANINGS: Final = {
    "G": r"$G$ is the Gram matrix of the features of the samples",
    "residual": r"$\mathrm{residual} = \lVert \hat{y} - y \rVert_2$",
    "loss_star": r"$\mathrm{loss}_{\mathrm{star}}$ is the infimum of the loss over the parameters",
    "NTK": r"$\mathrm{NTK}$ is the tangent kernel over the trained parameters",
    "K": r"$K$ is the limit of $G/m$ as $m \to \infty$",
    "K_NTK": r"$K_{\mathrm{NTK}}$ is the limit of $\mathrm{NTK}/m$ as $m \to \infty$",
    "L_phi": r"$L_{\varphi}$ is the Lipschitz constant of $\varphi$",
    "L_dphi": r"$L_{\mathrm{dphi}}$ is the Lipschitz constant of $\varphi'$",
    "phi_0": r"$\varphi_{0} = \lvert \varphi(0) \rvert$",
    "preactivation": r"$\mathrm{preactivation} = W T + U X$",
    "gap": r"$\mathrm{gap}$ is the Frobenius distance of an iterate from the next",
    "path_length": r"the path length is the joint length travelled by the trained parameters",
    "grad_norm": r"$\lVert \nabla \mathrm{loss} \rVert$ is the joint Euclidean norm of the gradients",
}
_ENTRY: Final = {0: "", 1: "_{i}", 2: "_{ij}"}


def symbols(theorem: Theorem) -> dict[str, str]:
    """LaTeX of every hypothesis and conclusion by its name, and of the name of every definition.

    A name that would mean two things is left out.
    """
    pairs = [(c.name, latex(c.claim)) for c in (*theorem.hypotheses, *theorem.conclusions)]
    pairs += [(name, latex_name(name)) for name in theorem.definitions]
    found = dict(pairs)
    return {name: text for name, text in found.items() if all(t == text for n, t in pairs if n == name)}


def printed(theorem: Theorem) -> str:
    """The statement: model, scope, start, parameters, definitions, hypotheses, conclusions."""
    parts = [
        _model(theorem),
        _scope(theorem),
        _laws(theorem),
        _quantified(theorem, "forall", "Let", "be given"),
        _fixed(theorem),
        _dynamics(theorem),
        _meanings(theorem),
        _definitions(theorem),
        _suppose(theorem),
        *_claims(theorem.hypotheses, "H"),
        _then(theorem),
        *_claims(theorem.conclusions, "C"),
        _tolerances(theorem),
    ]
    return "\n".join(part for part in parts if part)


def upright(name: str) -> str:
    """A claim's name (letters, digits, '_' and '-') as text."""
    return name.replace("_", r"\_")


def _joined(items: Iterable[str], last: str = "and") -> str:
    found = list(items)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} {last} {found[-1]}"


def _space(shape: Shape) -> str:
    return r"\mathbb{R}" + ("^{" + r" \times ".join(map(_dim, shape)) + "}" if shape else "")


def _dim(dim: str | int) -> str:
    return str(dim).replace("*", r" \, ")


def _model(theorem: Theorem) -> str:
    shapes: Mapping[str, Shape] = SETTINGS[theorem.setting].parameters
    spaces = _joined(rf"${latex_name(name)} \in {_space(shape)}$" for name, shape in shapes.items())
    data = r"$X \in \mathbb{R}^{d \times n}$ and $y \in \mathbb{R}^{n}$"
    model = _MODELS.get(theorem.setting)
    said = f"the model {model}" if model else f"the model of the setting {theorem.setting}"
    return rf"Consider {said} with parameters {spaces}, on data {data}."


def _scope(theorem: Theorem) -> str:
    scope, parts = theorem.scope, list[str]()
    if scope.activation is not None:
        parts.append(r"$\varphi \in \{" + ", ".join(rf"\mathrm{{{a}}}" for a in scope.activation) + r"\}$")
    if scope.data_norm is not None:
        parts.append(rf"every column of $X$ has Euclidean norm ${latex(scope.data_norm)}$")
    parts += [f"${latex(claim)}$" for claim in scope.sizes.values()]
    return f"Let {_joined(parts)}." if parts else ""


def _law(name: str, draw: Draw, axes: int) -> str:
    arguments = [latex(node) for node in draw.arguments]
    entry = latex_name(name) + _ENTRY[axes]
    match draw.law:
        case "normal":
            return rf"${entry} \sim \mathcal{{N}}\left( {arguments[0]}, {arguments[1]} \right)$"
        case "uniform":
            return rf"${entry} \sim \mathcal{{U}}\left( {arguments[0]}, {arguments[1]} \right)$"
        case "rademacher":
            return rf"${entry}$ uniform on $\{{-1, 1\}}$"
        case "orthogonal":
            return rf"${latex_name(name)}$ uniform on ${arguments[0]}$ times the orthogonal matrices"
        case "goe":
            return rf"${latex_name(name)} \sim \mathrm{{GOE}}\left( {arguments[0]} \right)$"
        case "zeros":
            return rf"${latex_name(name)} = 0$"
        case "constant":
            return rf"every entry of ${latex_name(name)}$ equal to ${arguments[0]}$"


def _laws(theorem: Theorem) -> str:
    setting, out = SETTINGS[theorem.setting], list[str]()
    for laws, when in ((theorem.data, "the data be"), (theorem.initialization, "initially")):
        shapes = {**setting.parameters, "X": ("d", "n"), "y": ("n",)}
        parts = [_law(name, draw, len(shapes.get(name, ()))) for name, draw in laws.items()]
        if parts:
            rest = ", all entries independent" if any(d.law == "normal" for d in laws.values()) else ""
            out.append(f"Let {when} {_joined(parts)}{rest}.")
    return "\n".join(out)


def _named(parameter: Parameter) -> str:
    name = latex_name(parameter.name)
    return f"${name}$" if parameter.domain is None else f"${name}$ with ${latex(parameter.domain)}$"


def _quantified(theorem: Theorem, quantifier: str, before: str, after: str) -> str:
    found = [_named(p) for p in theorem.parameters.values() if p.quantifier == quantifier]
    variables = [
        rf"${latex_name(v.name)} \in {_space(v.shape)}$"
        for v in theorem.variables.values()
        if v.quantifier == quantifier
    ]
    return f"{before} {_joined([*found, *variables])} {after}." if found or variables else ""


def _fixed(theorem: Theorem) -> str:
    found = [
        f"${latex_name(p.name)} = {latex(p.value)}$"
        for p in theorem.parameters.values()
        if p.value is not None
    ]
    return f"Fix {_joined(found)}." if found else ""


def _dynamics(theorem: Theorem) -> str:
    moved = ", ".join(latex_name(name) for name in theorem.trains)
    loss = r"$\mathrm{loss} = \frac{1}{2} \lVert \hat{y} - y \rVert_2^2$"
    match theorem.algorithm:
        case "gradient-descent":
            step = latex_name(theorem.step or "eta")
            return rf"Train ${moved}$ by gradient descent on {loss} with step ${step}$."
        case "gradient-flow":
            return rf"Train ${moved}$ by gradient flow on {loss}."
        case "picard":
            return r"Iterate the equilibrium map from $T = 0$; $\tau$ counts iterations."
        case "none":
            return ""


def _meanings(theorem: Theorem) -> str:
    """The setting's names that the theorem uses, in words."""
    used = used_names(theorem).union(*map(free_names, theorem.definitions.values()))
    found = [text for name, text in _MEANINGS.items() if name in used]
    return f"Here {_joined(found)}." if found else ""


def _definitions(theorem: Theorem) -> str:
    if not theorem.definitions:
        return ""
    rows = ",\n".join(f"${latex_name(name)} = {latex(node)}$" for name, node in theorem.definitions.items())
    return f"Put, at initialization,\n{rows}."


def _suppose(theorem: Theorem) -> str:
    exists = _quantified(theorem, "exists", "Suppose that for some", "")
    hidden = _quantified(
        theorem, "hidden", "There is", "such that the following holds for every configuration"
    )
    head = f"{hidden}\n" if hidden else ""
    if not theorem.hypotheses:
        return head.strip()
    return head + (f"{exists.removesuffix(' .')}" if exists else "Suppose that")


def _then(theorem: Theorem) -> str:
    when = {
        "gradient-descent": r"for every $\tau \ge 0$",
        "picard": r"for every $\tau \ge 0$",
        "gradient-flow": r"for every $t \ge 0$",
        "none": "",
    }[theorem.algorithm]
    claimed = theorem.probability
    sure = ""
    if claimed is not None:
        sure = rf"with probability at least ${latex(claimed.holds)}$ over the {claimed.over}"
    limit = rf"as ${theorem.limit} \to \infty$" if theorem.limit else ""
    rest = ", ".join(part for part in (sure, limit, when) if part)
    values = ""
    if theorem.algorithm != "none" and theorem.definitions:
        values = " (names defined above keep their values at initialization, others have those of now)"
    return f"Then{', ' + rest if rest else ''}{values}"


def _claims(claims: tuple[NamedClaim, ...], letter: str) -> list[str]:
    if not claims:
        return []
    rows = [
        rf"\item[({letter}{k})] ${latex(c.claim)}$ \hfill ({upright(c.name)})"
        for k, c in enumerate(claims, 1)
    ]
    return [r"\begin{itemize}", *rows, r"\end{itemize}"]


def _tolerances(theorem: Theorem) -> str:
    if not theorem.tolerances:
        return ""
    rows = [f"{upright(name)} within ${tolerance}$" for name, tolerance in theorem.tolerances.items()]
    return f"Equalities are meant up to a tolerance: {', '.join(rows)}."
