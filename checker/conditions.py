"""Theorem and configuration in, condition report out: do the hypotheses hold here?"""

from collections.abc import Mapping
from dataclasses import replace

from flint import ctx

from checker.admissible import reduce
from checker.algebras import is_exact
from checker.completing import WHOLE_BOUND, complete
from checker.configuration import Configuration
from checker.configure import configure
from checker.enclosure import ARRAYS, Ball, Enclosure, decimal_bounds, frobenius, outward, to_arb
from checker.environment import environment
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import Judgement
from checker.expression.mathml import mathml
from checker.expression.text import to_text
from checker.expression.tree import Node
from checker.families import generator
from checker.hidden import hidden_record
from checker.hypotheses import PRECISIONS, Judged, Scenes, gates, judge_hypotheses, undecided
from checker.impossible import impossible
from checker.intervals import WHOLE, Interval
from checker.names import claim_dependencies, of_quantifier
from checker.near import FLOAT64, NearScenes, ladder
from checker.parameter_texts import parameter_texts
from checker.predictions import predictions
from checker.printed import printed, symbols
from checker.records import ArrayBounds, Bounds, ConditionReport, HypothesisRecord, TheoremHeader, Value
from checker.request import Request, read_request
from checker.settings import SETTINGS
from checker.theorem import NamedClaim, Theorem
from checker.verdict import Basis, Verdict, all_of

VERDICTS = {Verdict.HOLDS: "applies", Verdict.FAILS: "does-not-apply", Verdict.UNDECIDED: "undecided"}


def header(theorem: Theorem) -> TheoremHeader:
    """What every report says of its theorem."""
    source: dict[str, Value] = {
        "authors": theorem.source.authors,
        "year": theorem.source.year,
        "arxiv": theorem.source.arxiv,
        "where": theorem.source.where,
        "fidelity": theorem.source.fidelity,
        "notes": theorem.source.notes,
    }
    return TheoremHeader(
        id=theorem.id, title=theorem.title, source=source, statement=theorem.statement,
        setting=theorem.setting, kind=theorem.kind, latex=symbols(theorem), printed=printed(theorem),
        definitions={name: to_text(node) for name, node in theorem.definitions.items()},
        parameters=parameter_texts(theorem),
    )  # fmt: skip


def bounds(value: Ball | None) -> Bounds | None:
    """A ball as outward decimal strings."""
    if value is None:
        return None
    lo, hi = decimal_bounds(value)
    return Bounds(lo, hi)


def record(judged: Judged) -> HypothesisRecord:
    """One judged gate as a report's row."""
    judgement = judged.judgement
    decided = judgement.verdict is not Verdict.UNDECIDED
    sides = [s for s in (judgement.lhs, judgement.rhs) if s is not None]
    rational = bool(sides) and all(is_exact(s) for s in sides)
    reason = judgement.reason
    if not decided and not reason:
        reason = f"the two sides are too close to tell: {_engine(judged)}"
    return HypothesisRecord(
        name=judged.name,
        claim=judged.claim.text,
        status=str(judgement.verdict),
        basis=str(Basis.PROOF if decided else Basis.ASSUMED),
        lhs=bounds(judgement.lhs),
        rhs=bounds(judgement.rhs),
        margin=judgement.margin,
        engine="exact numbers" if rational else _engine(judged),
        why=judged.why,
        reason=reason,
        mathml=mathml(judged.claim),
    )


def _engine(judged: Judged) -> str:
    """By which rung of the ladder a claim was judged."""
    if judged.precision != FLOAT64:
        return f"balls, {judged.precision} bits"
    return judged.engine or "float64 with error bounds"


def check(
    theorem: Theorem, settings: Mapping[str, str], *, seed: int | None = None, device: str = "cpu"
) -> ConditionReport:
    """Judge every hypothesis of the theorem for one configuration.

    `settings` are the names of --set with their texts. Raises UsageError for what cannot be.
    """
    request = read_request(theorem, settings, seed)
    configuration = configure(theorem, request)
    missing = _outside(theorem, configuration)
    chosen, open_exists, open_step = _complete(theorem, request, configuration)
    open_choices = (*open_exists, *((theorem.step,) if open_step and theorem.step else ()))
    precisions = ladder(configuration)
    hidden = of_quantifier(theorem, "hidden")
    hanging = frozenset(
        c.name
        for c in gates(theorem, chosen)
        if claim_dependencies(c.claim, theorem.definitions) & _unvalued(theorem, chosen)
    )
    scenes = NearScenes(theorem)
    judged = judge_hypotheses(theorem, chosen, skip=hanging, precisions=precisions, scenes=scenes)
    judged = _for_every_value(theorem, chosen, judged, open_exists, scenes, precisions[0])
    rows = [*missing, *(record(j) for j in judged)]
    rows += [_hanging(theorem, chosen, c, hidden) for c in gates(theorem, chosen) if c.name in hanging]
    verdict = all_of(Verdict(row.status) for row in rows)
    return ConditionReport(
        theorem=header(theorem),
        config=chosen.summary(),
        verdict=VERDICTS[verdict],
        reason=_reason(verdict, rows),
        hypotheses=tuple(rows),
        definitions=_definitions(theorem, chosen, scenes, precisions),
        parameters=_parameters(theorem, chosen),
        predicted=predictions(theorem, request, chosen, open_choices, scenes, precisions[0]),
        not_done=_not_done(theorem, chosen),
        environment=environment(request.seed, device),
        options={**settings},
    )


def _unvalued(theorem: Theorem, configuration: Configuration) -> frozenset[str]:
    return frozenset(theorem.parameters) - frozenset(configuration.parameters) | frozenset(theorem.variables)


def _outside(theorem: Theorem, configuration: Configuration) -> list[HypothesisRecord]:
    allowed = theorem.scope.activation
    if allowed is None or not SETTINGS[theorem.setting].has_activation:
        return []
    inside = configuration.activation in allowed
    return [
        HypothesisRecord(
            name="scope.activation", claim=f"activation in {', '.join(allowed)}",
            status=str(Verdict.HOLDS if inside else Verdict.FAILS), basis=str(Basis.PROOF),
            lhs=None, rhs=None,
            margin=None, engine="exact numbers", why="the theorem is stated for these activations",
            reason=f"the activation is {configuration.activation}",
        )
    ]  # fmt: skip


def _complete(
    theorem: Theorem, request: Request, configuration: Configuration
) -> tuple[Configuration, tuple[str, ...], bool]:
    """The configuration with `exists` parameters and the step chosen, and which were open."""
    exists = tuple(sorted(of_quantifier(theorem, "exists") - set(configuration.parameters)))
    step = theorem.step if theorem.step and theorem.step not in configuration.parameters else None
    if not exists and step is None:
        return configuration, (), False
    found = complete(theorem, [configuration], generator(request.seed, "exists"), fractions=WHOLE_BOUND)[0]
    return replace(found.configuration, note=configuration.note), exists, step is not None


def with_chosen(theorem: Theorem, request: Request, configuration: Configuration) -> Configuration:
    """The configuration with every parameter that the tool chooses, chosen as `check` chooses it."""
    return _complete(theorem, request, configuration)[0]


def _for_every_value(
    theorem: Theorem,
    configuration: Configuration,
    judged: list[Judged],
    exists: tuple[str, ...],
    scenes: Scenes,
    precision: int,
) -> list[Judged]:
    """A hypothesis that fails at the chosen `exists` values fails only if it does at all of them."""
    about = [j for j in judged if claim_dependencies(j.claim, theorem.definitions) & set(exists)]
    if not exists or not any(j.verdict is Verdict.FAILS for j in about):
        return judged
    claims = [c.claim for c in gates(theorem, configuration)]
    reduced = reduce(claims, theorem.definitions, frozenset(exists))
    leaves: dict[str, Interval] = {}
    with ctx.workprec(precision):
        scene = scenes.at(configuration, precision)
        for name, node in reduced.leaves.items():
            try:
                value = scene.algebra.evaluate(node, scene)
                leaves[name] = WHOLE if isinstance(value, ARRAYS) else outward(to_arb(value))
            except (NotEnclosed, CertainlyUndefined):
                leaves[name] = WHOLE
    none = impossible(reduced, leaves, exists)
    names = " and ".join(exists)
    if none:
        note = f"fails for the chosen {names}; subdivision proves that no value satisfies all hypotheses"
        return [
            replace(j, judgement=replace(j.judgement, reason=note))
            if j in about and j.verdict is Verdict.FAILS
            else j
            for j in judged
        ]
    note = f"fails for the chosen {names}; that no other value would do is not proved"
    return [
        replace(j, judgement=_open(j.judgement, note)) if j in about and j.verdict is Verdict.FAILS else j
        for j in judged
    ]


def _open(judgement: Judgement, note: str) -> Judgement:
    return replace(judgement, verdict=Verdict.UNDECIDED, margin=None, reason=note)


def _hanging(
    theorem: Theorem, configuration: Configuration, claim: NamedClaim, hidden: frozenset[str]
) -> HypothesisRecord:
    """A hypothesis about something that has no single value here."""
    names = claim_dependencies(claim.claim, theorem.definitions)
    if names & hidden:
        return hidden_record(theorem, configuration, claim, sorted(names & hidden))
    variables = sorted(names & set(theorem.variables))
    what = f"it speaks of every {', '.join(variables)}" if variables else "a parameter has no value here"
    return record(Judged(claim.name, claim.claim, claim.why, undecided(what), PRECISIONS[0]))


def _reason(verdict: Verdict, rows: list[HypothesisRecord]) -> str:
    failing = [row.name for row in rows if row.status == Verdict.FAILS]
    unknown = [row.name for row in rows if row.status == Verdict.UNDECIDED]
    if verdict is Verdict.FAILS:
        return f"certainly fails: {', '.join(failing)}"
    if verdict is Verdict.UNDECIDED:
        return f"undecided: {', '.join(unknown)}"
    return f"all {len(rows)} conditions hold, each by enclosures"


def _definitions(
    theorem: Theorem, configuration: Configuration, scenes: Scenes, precisions: tuple[int, ...]
) -> dict[str, Bounds | ArrayBounds]:
    """Every definition at the first precision, or at the second where that encloses nothing."""
    out: dict[str, Bounds | ArrayBounds] = {}
    for precision in precisions[:2]:
        missing = [name for name in theorem.definitions if out.get(name, _NOTHING) == _NOTHING]
        with ctx.workprec(precision):
            for name in missing:
                try:
                    value = scenes.at(configuration, precision).name(name)
                except (NotEnclosed, CertainlyUndefined):
                    out[name] = _NOTHING
                    continue
                out[name] = _shown(value, theorem.definitions[name])
    return {name: out[name] for name in theorem.definitions}


_NOTHING = Bounds(None, None)


def _shown(value: Enclosure, node: Node) -> Bounds | ArrayBounds:
    """A number by its bounds, an array by its shape and Frobenius norm."""
    if not isinstance(value, ARRAYS):
        return bounds(value) or _NOTHING
    shape = (value.nrows(), value.ncols())
    kept = shape if node.shape is None or len(node.shape) == 2 else shape[:1]
    return ArrayBounds(kept, bounds(frobenius(value)) or _NOTHING)


def _parameters(theorem: Theorem, configuration: Configuration) -> dict[str, Value]:
    return {
        name: to_text(configuration.parameters[name])
        for name in theorem.parameters
        if name in configuration.parameters
    }


def _not_done(theorem: Theorem, configuration: Configuration) -> tuple[str, ...]:
    out = ["the conclusions were not simulated: that is what an audit does"]
    exists = sorted(of_quantifier(theorem, "exists"))
    if exists:
        out.append(f"{', '.join(exists)}: one admissible choice was looked for, not the best one")
    if theorem.proof:
        out.append("the proof steps were not examined: that is what an audit does")
    return tuple(out)
