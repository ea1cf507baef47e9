"""Which failed conclusions of a run refute the theorem."""

from checker.hypotheses import equilibrium_certified
from checker.names import claims_well_posedness, depends_on, of_quantifier, open_choices
from checker.outcomes import Run
from checker.theorem import Theorem
from checker.verdict import Verdict


def standing_failures(theorem: Theorem, result: Run) -> list[str]:
    """The conclusions whose failure refutes the theorem.

    One that asks for a good choice, or that depends on a hidden constant of which one value was given,
    does not. Without a certified equilibrium only the claim of that, `well_posed`, is refuted.
    """
    failed = {name: o for name, o in result.outcomes.items() if o.verdict is Verdict.FAILS}
    given = of_quantifier(theorem, "hidden") & result.configuration.parameters.keys()
    claims = {c.name: c.claim for c in theorem.conclusions if c.name in failed}
    for name, claim in claims.items():
        tau = failed[name].failed_at or 0
        if open_choices(theorem, claim, tau) or depends_on(theorem, claim, tau) & given:
            del failed[name]
    if failed and any(claims_well_posedness(c.claim) for c in theorem.conclusions):
        certain, _ = equilibrium_certified(theorem, result.configuration, waived=False)
        failed = {name: o for name, o in failed.items() if certain or claims_well_posedness(claims[name])}
    return list(failed)
