"""A theorem in LaTeX: its statement in a theorem environment, and its proof steps as an align block."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checker.errors import ExpressionError
from checker.expression.latex import latex, latex_name
from checker.expression.parse import parse_claim
from checker.expression.text import to_text
from checker.printed import printed
from checker.records import ProofStepRecord
from checker.settings import SETTINGS
from checker.theorem import Theorem
from reports.escaping import escape
from reports.glossary import letters_of
from reports.numbers import clean
from reports.parts import source_line
from reports.words import fidelity_tag

PACKAGES = ("amsmath", "amssymb", "amsthm")
"""What the texts made here need."""

PREAMBLE = r"\newtheorem*{theorem}{Theorem}"

_A_LINE = 4  # assumptions set on one line

_MARKS = {"holds": r"\checkmark", "fails": r"\times", "undecided": "?"}


@dataclass(frozen=True)
class Step:
    """One proof step as texts: what it assumes and shows, and its status where it was decided."""

    name: str
    assume: tuple[str, ...]
    show: str
    status: str = ""
    engine: str = ""
    found: str = ""


def steps_of(theorem: Theorem) -> tuple[Step, ...]:
    """The proof steps of a file, undecided."""
    return tuple(Step(s.name, tuple(map(to_text, s.assume)), to_text(s.show)) for s in theorem.proof)


def steps_decided(records: Iterable[ProofStepRecord]) -> tuple[Step, ...]:
    """The proof steps of an audit, with their status."""
    return tuple(
        Step(
            r.name, tuple(r.assume), r.show, r.status, r.engine,
            ", ".join(f"{k} = {v}" for k, v in (r.counterexample or {}).items()),
        )
        for r in records
    )  # fmt: skip


def environment(title: str, source: str, body: str) -> str:
    """The statement in its environment; title and source are escaped, the body is LaTeX of our own trees."""
    head = "; ".join(escape(clean(part)) for part in (title, source) if part)
    return f"\\begin{{theorem}}[{{{head}}}]\n{body}\n\\end{{theorem}}"


def formula(claim: str) -> str:
    """LaTeX of a claim's text; text that is no claim is set as it is."""
    try:
        return latex(parse_claim(claim))
    except ExpressionError:
        return rf"\text{{{escape(clean(claim))}}}"


def proof_block(steps: Sequence[Step]) -> str:
    """The chain as one align block, a step's status at its end; empty without steps."""
    rows = [row for k, step in enumerate(steps, 1) for row in _rows(step, k)]
    if not rows:
        return ""
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _rows(step: Step, k: int) -> list[str]:
    rows = [rf"& \text{{({k}) {escape(clean(step.name))}}}"]
    assumed = [formula(claim) for claim in step.assume]
    for at in range(0, len(assumed), _A_LINE):
        more = r" ,\quad " if at + _A_LINE < len(assumed) else ""
        rows.append(r"& \qquad " + r" ,\quad ".join(assumed[at : at + _A_LINE]) + more)
    mark = _MARKS.get(step.status, "?") if step.status else ""
    notes = [escape(clean(step.engine))] if step.engine else []
    notes += [f"fails at {escape(clean(step.found))}"] if step.found else []
    said = rf" \quad {mark}" if mark else ""
    said += rf" \ \text{{{'; '.join(notes)}}}" if notes and mark else ""
    arrow = r"\Longrightarrow \quad " if assumed else ""
    return [*rows, rf"& \qquad {arrow}{formula(step.show)}{said}"]


def with_phi(statement: str, setting: str) -> str:
    """The printed statement with what its setting imposes on the activation, after the model."""
    known = SETTINGS.get(setting)
    if known is None or not known.has_activation or r"\varphi" not in statement:
        return statement
    model, _, rest = statement.partition("\n")
    lipschitz, smooth = latex_name("L_phi"), latex_name("L_dphi")
    said = r"$\varphi : \mathbb{R} \to \mathbb{R}$ is applied entrywise and is "
    if lipschitz in statement:
        said += rf"${lipschitz}$-Lipschitz, $\lvert \varphi(s) - \varphi(t) \rvert \le {lipschitz} \, "
        said += r"\lvert s - t \rvert$ for all real $s$ and $t$"
    else:
        said += "Lipschitz continuous"
    if smooth in statement:
        said += rf", and has a derivative $\varphi'$ that is ${smooth}$-Lipschitz"
    return "\n".join([model, f"Here {said}.", *([rest] if rest else [])])


def _letters(theorem: Theorem) -> str:
    """What the letters of the proof steps are."""
    steps = theorem.proof
    used = letters_of([to_text(claim) for step in steps for claim in (*step.assume, step.show)])
    known = {**theorem.definitions, **theorem.parameters}
    named, free = (
        [x for x in sorted(used, key=str.lower) if (x in known) is wanted] for wanted in (True, False)
    )
    text = "Over the reals: each step is about all real values of its letters that meet its assumptions."
    if named:
        text += f" As above: ${', '.join(map(latex_name, named))}$."
    if free:
        text += (
            f" Real numbers of which only what a step assumes is known: ${', '.join(map(latex_name, free))}$."
        )
    return text


def to_statement(theorem: Theorem) -> str:
    """A theorem for a paper: its preamble as comments, the environment, the proof steps."""
    source = theorem.source
    values = {"authors": source.authors, "year": source.year, "where": source.where, "arxiv": source.arxiv}
    cited = source_line(values)
    fidelity = fidelity_tag(source.fidelity)
    lines = [
        "% needs in the preamble:",
        *(rf"% \usepackage{{{name}}}" for name in PACKAGES),
        f"% {PREAMBLE}",
        r"% \allowdisplaybreaks",
        environment(theorem.title, f"{cited} ({fidelity.word})", with_phi(printed(theorem), theorem.setting)),
    ]
    steps = steps_of(theorem)
    if steps:
        lines += [r"\begin{proof}[Proof steps]", _letters(theorem), proof_block(steps), r"\end{proof}"]
    return "\n".join(lines) + "\n"
