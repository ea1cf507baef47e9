"""Theorem files: what they mean, and that every mistake is one line with file, key and column."""

# ruff: noqa: E501 - tables of texts and messages, one case a line

import os
from fractions import Fraction
from pathlib import Path

import pytest
from scenery import theorem_text

from checker.errors import TheoremError
from checker.expression.text import to_text
from checker.expression.tree import Comparison
from checker.reading import builtin_ids, load, load_library, read_theorem
from checker.theorem import Parameter, Theorem

NAME = "my.theorem.toml"


def read(tables: str = "", conclusions: str = 'rate = "loss <= loss + 1"', **head: str) -> Theorem:
    return read_theorem(theorem_text(tables, conclusions, **head), NAME)


def refused(text: str) -> str:
    with pytest.raises(TheoremError) as caught:
        read_theorem(text, NAME)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("theorem_id", builtin_ids())
def test_every_shipped_theorem_loads_under_its_own_id(theorem_id: str) -> None:
    """
    A built-in theorem is named by its file and states where it comes from.
    """
    theorem = load(theorem_id)

    assert theorem_id == theorem.id
    assert theorem.conclusions
    assert theorem.source.where


def test_a_file_means_what_it_says() -> None:
    """
    Every table arrives in its record, in order, with exact numbers.
    """
    theorem = read(
        """
[parameters]
p = { value = 0.1 }
s_w = { domain = "0 < s_w and s_w < p", quantifier = "forall", default = "p/2" }
C = { domain = "0 < C", quantifier = "hidden", depends_on = ["s_w"] }
[scope]
activation = "tanh"
data_norm = "sqrt(d)"
m = "n <= m"
n = "4*d/5"
d = 10
[initialization]
W = "normal(0, 2*s_w**2/m)"
a = "zeros()"
[data]
y = "uniform(-1, 1)"
[variables]
x1 = "vector(d)"
Lam = { shape = "vector(m)", quantifier = "exists" }
[definitions]
loss_0 = "loss"
bound = 3
rate_0 = 0.5
[hypotheses]
small = { claim = "loss_0 <= C*bound and norm2(equilibrium(x1)) <= 1", why = "because" }
other = "well_posed(x1)"
[tolerances]
equal = 1e-6
[[proof]]
name = "first"
assume = ["0 < x", "x <= y"]
show = "x**2 <= y**2"
[[proof]]
show = "tau < tau + 1"
""",
        """
rate = { claim = "loss <= rate_0**tau*loss_0", tight = true, why = "telescoped" }
equal = "next(loss) == loss"
""",
    )

    assert str(theorem.parameters["p"].value.value) == "1/10"  # type: ignore[union-attr]
    assert list(theorem.parameters) == ["p", "s_w", "C", "eta"]
    assert theorem.parameters["C"].depends_on == ("s_w",)
    assert (theorem.step, theorem.parameters["eta"].domain.text) == ("eta", "0 < eta")  # type: ignore[union-attr]
    assert theorem.scope.activation == ("tanh",)
    assert [to_text(theorem.scope.sizes[k]) for k in ("m", "n", "d")] == ["n <= m", "n == 4*d/5", "d == 10"]
    assert [draw.law for draw in theorem.initialization.values()] == ["normal", "zeros"]
    assert (theorem.variables["x1"].shape[0], theorem.variables["Lam"].shape[0]) == ("d", "m")
    assert list(theorem.definitions) == ["loss_0", "bound", "rate_0"]
    assert (theorem.hypotheses[0].why, theorem.hypotheses[0].name) == ("because", "small")
    assert [conclusion.tight for conclusion in theorem.conclusions] == [True, False]
    assert {"equal": Fraction(1, 10**6)} == theorem.tolerances
    assert [step.name for step in theorem.proof] == ["first", "step 2"]
    assert theorem.trains == ("W", "U", "a")


def test_a_step_may_have_another_name_or_be_a_definition() -> None:
    """
    The step is an implicit parameter, a declared one, or a definition that binds it.
    """
    named = read('[hypotheses]\nh0 = "h < 1"', dynamics='algorithm = "gradient-descent"\nstep = "h"')
    bound = read('[definitions]\neta = "1/lambda_max(G)"')

    assert (Parameter("h", domain=named.parameters["h"].domain), "h") == (named.parameters["h"], named.step)
    assert "eta" not in bound.parameters
    assert "eta" in bound.definitions


def test_sizes_that_are_one_size_have_one_dimension() -> None:
    """
    In least squares m is d, so eye(m) fits X.
    """
    theorem = read('[definitions]\nk = "norm2(eye(m) @ X)"', setting="least-squares")

    assert theorem.definitions["k"].arguments[0].shape == ("d", "n")  # type: ignore[union-attr]


def test_gradient_flow_speaks_of_time_and_picard_of_steps() -> None:
    """
    t belongs to gradient-flow; tau, next and total to the others.
    """
    read(conclusions='c = "loss <= exp(-t) + least(loss)"', dynamics='algorithm = "gradient-flow"')
    read(conclusions='c = "next(gap) <= gap + tau"', dynamics='algorithm = "picard"')
    read(conclusions='c = "norm2(W) <= norm_fro(W)"', dynamics='algorithm = "none"')


def conclusion(claim: str, **head: str) -> str:
    return theorem_text("", f'rate = "{claim}"', **head)


FLOW = 'algorithm = "gradient-flow"'
STATIC = 'algorithm = "none"'

MISTAKES = [
    (conclusion("gap =< q**tau * gap_0"), "conclusions.rate, column 5: cannot read 'gap =< q**tau * gap_0'; write '<='"),
    (conclusion("norm2(W) @ X < 1"), "conclusions.rate, column 10: '@' needs arrays on both sides; 'norm2(W)' is a scalar, 'X' is a matrix (d, n); write '*'"),
    (conclusion("loss <= los_0"), "conclusions.rate, column 9: unknown name 'los_0'; did you mean 'loss'?"),
    (conclusion("loss == 1"), "conclusions.rate: '==' needs a tolerance; write [tolerances] rate = 1e-6"),
    (conclusion("loss <= tau", dynamics=FLOW), "conclusions.rate, column 9: 'tau' counts steps, and gradient-flow has none; write t"),
    (conclusion("loss <= t"), "conclusions.rate, column 9: 't' is the time of gradient-flow; write tau"),
    (conclusion("next(loss) <= 1", dynamics=STATIC), "conclusions.rate, column 1: 'next' needs steps, and algorithm = \"none\" makes a static claim"),
    (conclusion("loss <= 1", dynamics=FLOW + '\nstep = "eta"'), "dynamics.step: only gradient-descent has a step, not gradient-flow"),
    (conclusion("norm2(grad_W) < 1", dynamics='algorithm = "gradient-descent"\ntrains = ["a"]'), "conclusions.rate, column 7: 'grad_W' needs W to be trained, and [dynamics] trains it not"),
    (conclusion("well_posed", setting="least-squares"), "conclusions.rate, column 1: 'well_posed' needs an equilibrium, and least-squares has none"),
    (theorem_text('[hypotheses]\na = "tau < 1"'), "hypotheses.a, column 1: 'tau' appears in conclusions only"),
    (theorem_text('[definitions]\nG = "1"'), "definitions.G: 'G' is a name of the setting deq and cannot be declared"),
    (theorem_text('[definitions]\nk = "l"\nl = "1"'), "definitions.k, column 1: 'l' is defined below; definitions are evaluated in order"),
    (theorem_text('[definitions]\nnorm2 = "1"'), "definitions.norm2: 'norm2' belongs to the language and cannot be declared"),
    (theorem_text("[definitions]\nk = nan"), "definitions.k: 'nan' is not a finite number"),
    (theorem_text("[definitions]\nk = 1979-05-27"), "definitions.k: must be a text or a number, not a date or time"),
    (theorem_text("[definitions]\nk = true"), "definitions.k: must be a text or a number, not a boolean"),
    (theorem_text('[definitions]\nk = "lambda_min(K)"'), "definitions.k, column 12: 'K' needs a Gaussian start; give W and U a law in [initialization], such as \"normal(0, 1/m)\""),
    (theorem_text('[scope]\nactivation = ["relu"]\n[definitions]\nk = "L_dphi"'), "definitions.k, column 1: 'L_dphi' is infinite for relu, which [scope] lists"),
    (theorem_text('[parameters]\nk = { value = "p" }\np = { value = 1 }'), "parameters.k.value, column 1: 'p' is declared below; a value may use sizes and the parameters above it"),
    (theorem_text('[parameters]\nk = 1'), 'parameters.k: must be a table such as { domain = "0 < k", quantifier = "forall" } or { value = 0.1 }'),
    (theorem_text('[tolerances]\nrate = 1'), "tolerances.rate: conclusions.rate has no '==' that a tolerance could serve"),
    (theorem_text('[hypothesis]\na = "1 < 2"'), "unknown key 'hypothesis'; did you mean 'hypotheses'?"),
    (theorem_text('[initialization]\nW = "normal(0)"'), "initialization.W, column 1: write normal(mean, variance)"),
    (theorem_text('[[proof]]\nshow = "norm2(x) < 1"'), "proof[1].show, column 1: 'norm2' needs an array; a proof step is about real numbers"),
    (theorem_text('[[proof]]\nassume = ["0 < x", "x =< 1"]\nshow = "x < 2"'), "proof[1].assume[2], column 3: cannot read 'x =< 1'; write '<='"),
    (theorem_text(setting="two-layer"), "theorem.setting: 'two-layer' is planned and not built yet; built: deq, least-squares"),
    (theorem_text(dynamics='algorithm = "picard"', setting="least-squares"), "dynamics.algorithm: 'picard' needs an equilibrium, and least-squares has none"),
    (theorem_text(kind="high-probability"), "theorem.kind: 'high-probability' needs [probability] with 'over' and 'holds'"),
    (theorem_text('[scope]\ndata_norm = 1\n[data]\nX = "normal(0, 1)"'), "scope.data_norm: [data] states X already, as a law; drop this key, or drop X there and keep it here"),
    (theorem_text('[probability]\nover = "data"\nholds = 0.9'), 'probability: belongs to kind = "high-probability", not "deterministic"'),
    (theorem_text(kind="asymptotic"), "theorem.kind: 'asymptotic' needs [limit] with 'grows'"),
    (theorem_text('[limit]\ngrows = "m"', kind="asymptotic"), 'conclusions.rate: an asymptotic claim carries a hidden constant (none is declared; write C = { domain = "0 < C", quantifier = "hidden" })'),
    (theorem_text('[initialization]\nW = "rademacher()"\n[definitions]\nz = "norm2(T)"\n[probability]\nover = "initialization"\nholds = "1 - z"', kind="high-probability"), "probability.holds: 'z' uses 'T', which depends on drawn arrays; write it in parameters, sizes and definitions free of drawn arrays"),
    (theorem_text().replace("format = 1\n", "", 1), "'format' is required at the top; write format = 1"),
    (theorem_text().replace("format = 1", "format = true"), "format: must be 1, the only format there is"),
    (theorem_text().replace('"my"', '"My"'), "theorem.id: must be kebab-case: lower-case letters, digits and single hyphens, as in 'my-theorem'"),
    (theorem_text().replace("title", "titel"), "theorem.title: is required; write title = \"...\"; 'titel' is unknown and may be meant"),
    (theorem_text('[definitions]\nk = "1"\nk = "2"'), "not TOML: Cannot overwrite a value (at line 13, column 8)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_each_mistake_is_one_line_with_file_key_and_column(text: str, message: str) -> None:
    """
    The message is word for word what a reader needs.
    """
    assert f"{NAME}: {message}" == refused(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        theorem_text("[definitions]\nk = " + "[" * 20000 + "]" * 20000),
        theorem_text("[definitions]\nk = " + "{a=" * 5000 + "1" + "}" * 5000),
        theorem_text("[definitions]\n" + ".".join(["a"] * 50000) + " = 1"),
        theorem_text("[" + " . ".join(['"a"'] * 30000) + "]"),
        theorem_text("[definitions]\nk = " + "1" * 5000),
        theorem_text("[definitions]\nk = 0x" + "f" * 100_000),
        theorem_text("[definitions]\n" + "\n".join(f"k{i} = 1" for i in range(5000))),
        theorem_text("\n".join('[[proof]]\nshow = "1 < 2"' for _ in range(3000))),
        theorem_text('[definitions]\nk0 = "1"\n' + "\n".join(f'k{i} = "k{i - 1} + 1"' for i in range(1, 199))),
        theorem_text('[definitions]\nk0 = "loss"\n' + "\n".join(f'k{i} = "k{i - 1}*k{i - 1}"' for i in range(1, 60))),
        theorem_text("\n".join('[[proof]]\nshow = "' + "+".join(["x"] * 120) + ' < 2"' for _ in range(210))),
        "a" * 260_000,
        '"' * 260_000,
        "." * 260_000,
        "",
    ],
)  # fmt: skip
def test_hostile_files_are_refused_quickly(text: str) -> None:
    """
    Nesting, length and counts are bounded before they cost time.
    """
    message = refused(text)

    assert len(message) < 400


def test_a_path_must_lead_to_one_readable_file(tmp_path: Path) -> None:
    """
    Directories, devices, pipes, large files and other encodings are refused without being read.
    """
    large, latin, pipe = tmp_path / "large.toml", tmp_path / "latin.toml", tmp_path / "pipe.toml"
    large.write_text("#" * 300_000)
    latin.write_bytes(b'a = "\xff"')
    os.mkfifo(pipe)
    expected = {
        str(tmp_path): f"{tmp_path.name}: is a directory; give the path of one .theorem.toml file",
        "/dev/zero": "zero: is not a regular file",
        str(pipe): "pipe.toml: is not a regular file",
        str(large): "large.toml: is larger than 256 KiB, the most that is read",
        str(latin): "latin.toml: is not UTF-8 text (line 1)",
        str(tmp_path / "no.toml"): f"no.toml: no such file; built-in theorems: {', '.join(builtin_ids())}",
    }

    for path, message in expected.items():
        with pytest.raises(TheoremError) as caught:
            load(path)
        assert message == str(caught.value)
    for path in ("a\0b.toml", "x" * 5000 + "/b", "\ud800.toml", ""):
        with pytest.raises(TheoremError):
            load(path)


def test_an_unknown_id_is_answered_with_the_nearest_one() -> None:
    """
    A mistyped id is corrected, and the ids are listed.
    """
    with pytest.raises(TheoremError, match="no theorem 'deq-gdd'; did you mean 'deq-gd'"):
        load("deq-gdd")


def test_a_library_holds_each_id_once(tmp_path: Path) -> None:
    """
    Two files with one id are refused, and both are named; links are followed.
    """
    (tmp_path / "a.theorem.toml").write_text(theorem_text())
    assert list(load_library(str(tmp_path))) == ["my"]

    (tmp_path / "b.theorem.toml").symlink_to(tmp_path / "a.theorem.toml")
    with pytest.raises(TheoremError) as caught:
        load_library(str(tmp_path))
    assert (
        str(caught.value)
        == "b.theorem.toml: theorem.id: 'my' is the id of a.theorem.toml too; ids are unique"
    )


def test_eigenvalues_of_a_frozen_gram_matrix_are_known_to_be_of_a_symmetric_one() -> None:
    """
    What a definition hides is shown at reading, so that evaluation need not guess.
    """
    theorem = read('[definitions]\nG_0 = "G"\n[hypotheses]\nh = "lambda_min(G_0 - eye(n)) > 0"')

    part = theorem.hypotheses[0].claim.parts[0]
    assert isinstance(part, Comparison)
    assert to_text(part.left) == "lambda_min(symmetric_part(G_0 - eye(n)))"
    assert theorem.hypotheses[0].claim.text == "lambda_min(G_0 - eye(n)) > 0"
