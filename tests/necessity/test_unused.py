"""What a theorem declares and nothing rests on is said."""

from necessity_samples import theorem

from checker.necessity.unused import unused
from checker.reading import builtin_ids, load

BODY = """
[parameters]
c     = { domain = "0 < c", quantifier = "forall" }
q     = { value = "1/2" }
deep  = { value = "q/2" }
idle  = { domain = "0 < idle", quantifier = "forall" }
[definitions]
used  = "deep*norm_fro(X)"
spare = "lambda_max(G)"
again = "spare + 1"
[hypotheses]
number = "q + deep < 1"
real   = "c < 2"
[conclusions]
claim = "used >= 0"
"""


def test_definitions_parameters_and_constant_hypotheses_without_use_are_named():
    """
    What is used through a definition or a value counts; what only its own domain uses does not.
    """
    found = unused(theorem(BODY))

    assert found == (
        "the definition spare is not used: no hypothesis, conclusion or probability rests on it",
        "the definition again is not used: no hypothesis, conclusion or probability rests on it",
        "the parameter idle is not used: no hypothesis, conclusion or probability rests on it",
        "the hypothesis number (q + deep < 1) is about fixed numbers only: it restricts no run",
    )


def test_the_step_the_laws_and_the_scope_are_uses():
    """
    A parameter in a law, in the norm of the data or as the step is used.
    """
    body = """
[parameters]
eta = { domain = "0 < eta", quantifier = "forall" }
v   = { domain = "0 < v", quantifier = "forall" }
c   = { domain = "0 < c", quantifier = "forall" }
[scope]
data_norm = "c"
[initialization]
w = "normal(0, v)"
[conclusions]
claim = "loss >= 0"
"""

    assert unused(theorem(body, algorithm="gradient-descent")) == ()


def test_shipped_theorems_declare_nothing_in_vain():
    """
    Every definition and parameter of a built-in theorem is used.
    """
    assert {name: unused(load(name)) for name in builtin_ids()} == dict.fromkeys(builtin_ids(), ())
