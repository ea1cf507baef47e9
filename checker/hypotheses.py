"""What a configuration must satisfy before a run counts: scope, domains and hypotheses, judged in balls."""

from dataclasses import dataclass
from fractions import Fraction

from flint import ctx

from checker.algebras import BALLS
from checker.configuration import Configuration, ScalarEnv, exact, instantiate, scalar
from checker.enclosure import Enclosure
from checker.errors import CertainlyUndefined, NotEnclosed
from checker.expression.enclose import Judgement, judge
from checker.expression.signs import is_nonnegative
from checker.expression.simplify import roots, walk
from checker.expression.text import to_text
from checker.expression.tree import Claim, Comparison, Number
from checker.kernel_names import kernel_enclosures
from checker.rounding import FLUSHES, rounds_to_nearest
from checker.scene import Moment, Scene, dependencies
from checker.settings import SETTINGS
from checker.theorem import NamedClaim, Theorem
from checker.verdict import Verdict

PRECISIONS = (64, 128, 256, 512, 1024)
"""The working precisions tried for a hypothesis, in bits; after the last it stays undecided."""


@dataclass(frozen=True)
class Judged:
    """One hypothesis (or scope or domain claim) judged, at the precision that decided it.

    `engine` names the ways by which its norms and eigenvalues were found, where balls did not do it all.
    """

    name: str
    claim: Claim
    why: str
    judgement: Judgement
    precision: int
    engine: str = ""

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict


def undecided(reason: str) -> Judgement:
    """A judgement that knows nothing."""
    return Judgement(Verdict.UNDECIDED, "", None, None, None, reason)


def start_scene(theorem: Theorem, configuration: Configuration) -> Scene[Enclosure]:
    """The state at initialization in balls, at the ambient precision."""
    instance = instantiate(configuration)
    state = SETTINGS[configuration.setting].enclose(instance)
    return Scene(theorem, BALLS, state, given_values(theorem, configuration))


class Scenes:
    """Scenes of one theorem kept by precision, so that the same arrays are enclosed once."""

    def __init__(self, theorem: Theorem) -> None:
        self.theorem = theorem
        self._kept: dict[int, tuple[Configuration, Scene[Enclosure]]] = {}

    def at(self, configuration: Configuration, precision: int) -> Scene[Enclosure]:
        """The scene at a precision; call it inside `ctx.workprec(precision)`."""
        if not rounds_to_nearest():
            raise NotEnclosed(FLUSHES)
        kept = self._kept.get(precision)
        changed = None if kept is None else _changed(kept[0], configuration)
        if kept is None or changed is None:
            scene = self.fresh(configuration, precision)
        elif changed:
            given = {name: scalar(configuration.parameters[name], configuration) for name in changed}
            scene = kept[1].with_given(given | kernel_enclosures(self.theorem, configuration))
        else:
            scene = kept[1]
        self._kept[precision] = (configuration, scene)
        return scene

    def fresh(self, configuration: Configuration, precision: int) -> Scene[Enclosure]:
        """A scene of its own, in balls whatever the precision."""
        return start_scene(self.theorem, configuration)


def _changed(old: Configuration, new: Configuration) -> list[str] | None:
    """The parameters whose values changed; None where more than these did: then nothing may be kept."""
    alike = (
        old.arrays is new.arrays and old.sizes == new.sizes and old.parameters.keys() <= new.parameters.keys()
    )
    if not alike or (old.activation, old.kink, old.trains) != (new.activation, new.kink, new.trains):
        return None
    changed = {name for name, node in new.parameters.items() if old.parameters.get(name) != node}
    todo = [array.scale for array in new.arrays.values() if array.scale is not None]
    if any(dependencies(scale, new.parameters) & changed for scale in todo):
        return None
    return sorted(changed)


def given_values(theorem: Theorem, configuration: Configuration) -> dict[str, Enclosure]:
    """Parameters, variables and population kernels of a configuration, in balls."""
    given: dict[str, Enclosure] = {
        name: scalar(node, configuration) for name, node in configuration.parameters.items()
    }
    for name, variable in theorem.variables.items():
        value = exact(configuration.arrays[name], configuration)
        given[name] = value if variable.shape else value[0, 0]
    return given | kernel_enclosures(theorem, configuration)


def gates(theorem: Theorem, configuration: Configuration) -> list[NamedClaim]:
    """Every claim a configuration must satisfy: scope, domains, hypotheses; hidden constants gate nothing."""
    hidden = {name for name, p in theorem.parameters.items() if p.quantifier == "hidden"}
    out = [
        NamedClaim(f"scope.{key}", claim, "the theorem is stated for these sizes", False)
        for key, claim in theorem.scope.sizes.items()
    ]
    norm = theorem.scope.data_norm
    if norm is not None and not is_nonnegative(norm):
        claim = Claim(f"{to_text(norm)} >= 0", (Comparison(">=", norm, Number(Fraction(0))),))
        out.append(NamedClaim("scope.data_norm", claim, "the norm of the columns of X", False))
    for name, parameter in theorem.parameters.items():
        if parameter.domain is not None and name not in hidden and name in configuration.parameters:
            out.append(NamedClaim(f"domain.{name}", parameter.domain, "the range of the parameter", False))
    return out + list(theorem.hypotheses)


def judge_safely(
    claim: Claim, env: Scene[Enclosure] | Moment[Enclosure] | ScalarEnv, hypothesis: bool
) -> Judgement:
    """Judge; a certainly undefined part fails a hypothesis and leaves a conclusion undecided."""
    if not rounds_to_nearest():
        return undecided(FLUSHES)
    try:
        return judge(claim, env)
    except NotEnclosed as error:
        return undecided(error.reason)
    except CertainlyUndefined as error:
        verdict = Verdict.FAILS if hypothesis else Verdict.UNDECIDED
        return Judgement(verdict, "", None, None, None, f"undefined: {error.reason}")


def _rungs(claim: Claim, scene: Scene[Enclosure]) -> set[str]:
    """How the norms and eigenvalues in a claim, and in the definitions it uses, were found."""
    definitions = scene.theorem.definitions
    todo = list(roots(claim))
    names = {name for node in todo for name in dependencies(node, definitions)}
    todo += [definitions[name] for name in names if name in definitions]
    return {scene.rungs[node] for root in todo for node in walk(root) if scene.rungs.get(node)}


def judge_hypotheses(
    theorem: Theorem,
    configuration: Configuration,
    *,
    skip: frozenset[str] = frozenset(),
    precisions: tuple[int, ...] = PRECISIONS,
    stop_at_failure: bool = False,
    scenes: Scenes | None = None,
) -> list[Judged]:
    """Every gate judged; the precision is doubled for those still undecided, up to the last one."""
    todo = [claim for claim in gates(theorem, configuration) if claim.name not in skip]
    found: dict[str, Judged] = {}
    for precision in precisions:
        with ctx.workprec(precision):
            try:
                scene = (scenes or Scenes(theorem)).at(configuration, precision)
            except NotEnclosed as error:
                found |= {
                    c.name: Judged(c.name, c.claim, c.why, undecided(error.reason), precision) for c in todo
                }
                continue
            for claim in todo:
                judgement = judge_safely(claim.claim, scene, hypothesis=True)
                engine = "; ".join(sorted(_rungs(claim.claim, scene)))
                found[claim.name] = Judged(claim.name, claim.claim, claim.why, judgement, precision, engine)
                if stop_at_failure and judgement.verdict is Verdict.FAILS:
                    return list(found.values())
        todo = [claim for claim in todo if found[claim.name].verdict is Verdict.UNDECIDED]
        if not todo:
            break
    return [found[c.name] for c in gates(theorem, configuration) if c.name in found]


def equilibrium_certified(
    theorem: Theorem,
    configuration: Configuration,
    *,
    waived: bool,
    precisions: tuple[int, ...] = PRECISIONS[1:2],
    scenes: Scenes | None = None,
) -> tuple[bool, str]:
    """Does the start have a certified unique equilibrium, or is that `waived` (the claim is about it)?"""
    if waived or not SETTINGS[configuration.setting].has_equilibrium:
        return True, ""
    reason = ""
    for precision in precisions:
        with ctx.workprec(precision):
            try:
                state = (scenes or Scenes(theorem)).at(configuration, precision).state
                verdict, reason = state.well_posed()  # type: ignore[attr-defined]
            except NotEnclosed as error:
                verdict, reason = Verdict.UNDECIDED, error.reason
        if verdict is not Verdict.UNDECIDED:
            return verdict is Verdict.HOLDS, reason
    return False, reason
