"""Every field of every kind of certificate is changed, one at a time: what stays valid is still true.

The digest protects against accidents; whoever can compute it can seal a changed file. Then the content
alone counts. What may survive: more or fewer bits of precision, wider bounds, what the claim does not
depend on, another text for the same number, another title. Each is a true certificate of what it says.
"""

import copy
import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from certificate_samples import document, put, resealed
from mutation_samples import samples

from checker.certificate import verify
from checker.certificate_reading import Malformed
from checker.declaration import read_theorem
from checker.errors import CheckerError

SAMPLES = samples()
KINDS = list(SAMPLES)
DOCUMENTS = {kind: document(sample.certificate) for kind, sample in SAMPLES.items()}


def leaves(value, path=()):
    """The path of every leaf of a JSON value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


def at(value, path):
    """The value at a path."""
    for key in path:
        value = value[key]
    return value


def changed(value, path, new):
    """A copy with one place replaced."""
    out = copy.deepcopy(value)
    at(out, path[:-1])[path[-1]] = new
    return out


def status(folder, value) -> str:
    """The status of a document as it is, or "refused"."""
    path = folder / "x.json"
    path.write_text(json.dumps(value))
    try:
        return verify(path).status
    except CheckerError:
        return "refused"


def sealed_status(folder, value) -> str:
    """The status of a document with a digest that fits, or "refused"."""
    try:
        return verify(put(folder, resealed(value))).status
    except Malformed:
        return "refused"


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_is_valid(tmp_path, kind):
    """
    What is changed below was a valid certificate.
    """
    assert status(tmp_path, DOCUMENTS[kind]) == "valid"


def others(leaf):
    """Values near a leaf, of its type and of others."""
    yield from (None, True, 0, -1, 10**9, "", "x", [], {}, ["x"], {"x": 1})
    if isinstance(leaf, int):
        yield from (leaf + 1, leaf - 1, 2 * leaf)
    if isinstance(leaf, str):
        yield from (leaf + "0", leaf[:-1], leaf[:1] + "7" + leaf[1:], leaf.upper(), " " + leaf)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_new_digest_no_change_is_valid(tmp_path, kind):
    """
    Any other value in any place makes the file invalid or no certificate.
    """
    value = DOCUMENTS[kind]
    for path in leaves(value):
        leaf = at(value, path)
        for new in others(leaf):
            if json.dumps(new) != json.dumps(leaf):
                assert status(tmp_path, changed(value, path, new)) in ("invalid", "refused"), (path, new)


def hexadecimal(x: float) -> str:
    return float(x).hex()


def near(x: float):
    """Another float: the next one, one a millionth away, one that is far away."""
    if x:
        yield from (math.nextafter(x, math.inf), x * (1 + 2**-20), 4 * x)
    else:
        yield from (2.0**-30, 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sealed_change_of_an_entry_is_valid_only_where_it_does_not_matter(tmp_path, kind):
    """
    The next float in place of any entry that the claim depends on leaves the recorded bounds.
    """
    value, inert = DOCUMENTS[kind], SAMPLES[kind].inert
    arrays = value["configuration"]["arrays"]
    for name, array in arrays.items():
        for k, text in enumerate(array["floats"]):
            for x in near(float.fromhex(text)):
                path = ("configuration", "arrays", name, "floats", k)
                found = sealed_status(tmp_path, changed(value, path, hexadecimal(x)))
                assert (found == "valid") == (name in inert), (name, k, x)


FIXED = [
    *(("theorem", "id"), ("claim", "name"), ("claim", "text"), ("algorithm",), ("step",)),
    *(("configuration", key) for key in ("setting", "kink", "trains")),
    *(("configuration", "sizes", size) for size in "ndm"),
    *(("hypotheses",), ("violation", "operator")),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sealed_change_of_what_the_theorem_fixes_is_never_valid(tmp_path, kind):
    """
    Names, sizes, the step, the kink, what is trained, the hypotheses and the operator are what they are.
    """
    value = DOCUMENTS[kind]
    for path in FIXED:
        if (kind, path) == ("tie", ("step",)):
            continue  # at this step size the loss is 1/8 for ever
        leaf = at(value, path)
        more = [[*leaf, "more"], leaf[1:], [*reversed(leaf), *leaf]] if isinstance(leaf, list) else []
        words = (
            "<",
            "<=",
            ">",
            ">=",
            "==",
            "picard",
            "none",
            "gradient-descent",
            "deq",
            "least-squares",
            "1/2",
        )
        for new in (*others(leaf), *more, *words):
            if json.dumps(new) != json.dumps(leaf):
                found = sealed_status(tmp_path, changed(value, path, new))
                assert found != "valid", (path, new)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sealed_change_of_an_array_s_shape_map_or_scale_is_never_valid(tmp_path, kind):
    """
    An array has the shape and the map that the theorem gives it.
    """
    value = DOCUMENTS[kind]
    for name in value["configuration"]["arrays"]:
        place = ("configuration", "arrays", name)
        candidates = [
            *(((*place, "map"), new) for new in ("columns", "orthogonal", "goe", "constant", "plane", None)),
            *(((*place, "scale"), new) for new in ("1", "", "eta", 1)),
            *(((*place, "shape"), new) for new in ([1], [2, 1], [1, 2], [3], [2, 2, 1], [])),
            *(((*place, "floats"), new) for new in ([], ["nan"], ["0x1p+0"], ["inf"], ["1"], [1.5])),
        ]
        for path, new in candidates:
            if at(value, path) != new:
                assert sealed_status(tmp_path, changed(value, path, new)) != "valid", (path, new)


@pytest.mark.parametrize("kind", [k for k in KINDS if DOCUMENTS[k]["configuration"]["activation"]])
def test_a_sealed_change_of_the_activation_is_never_valid(tmp_path, kind):
    """
    Another activation gives other sides, unless it is the same on every number that occurs.
    """
    same = {"picard": {"abs", "leaky-relu", "identity", "elu"}}.get(
        kind, set()
    )  # only positive numbers occur
    for name in ("relu", "abs", "leaky-relu", "identity", "tanh", "sin", "softplus", "elu", "none", "RELU"):
        if name != DOCUMENTS[kind]["configuration"]["activation"]:
            found = sealed_status(tmp_path, changed(DOCUMENTS[kind], ("configuration", "activation"), name))
            assert (found == "valid") == (name in same), name


@pytest.mark.parametrize("kind", [k for k in KINDS if DOCUMENTS[k]["configuration"]["parameters"]])
def test_a_sealed_change_of_a_parameter_is_valid_only_where_it_stays_true(tmp_path, kind):
    """
    Another number leaves the recorded bounds; another text for the number does not matter, and neither
    does another choice where the theorem asks for one that exists.
    """
    ((name, text),) = DOCUMENTS[kind]["configuration"]["parameters"].items()
    values = {
        f"({text})*(1 + 1/10**35)": kind == "exists",
        f"({text})/2": kind == "exists",
        f"({text}) + 1": False,
        f"-({text})": False,
        f"2*({text})/(1 + 1)": True,
        f"({text})*n/n": True,
        "0": False,
        "loss": False,
        "": False,
        f"({text}": False,
    }
    for new, stays in values.items():
        found = sealed_status(tmp_path, changed(DOCUMENTS[kind], ("configuration", "parameters", name), new))
        assert (found == "valid") == stays, new


@pytest.mark.parametrize("kind", KINDS)
def test_sealed_bounds_hold_the_sides_or_are_not_valid(tmp_path, kind):
    """
    Bounds that exclude a side are not valid, bounds that are wider are; they have 30 digits or more.
    """
    for side in ("lhs", "rhs"):
        place = ("violation", side)
        lo, hi = (Fraction(at(DOCUMENTS[kind], place)[end]) for end in ("lo", "hi"))
        assert hi - lo <= abs(lo) / 10**30

        for end, new, true in (
            ("lo", hi * (1 + Fraction(1, 10**30)) + Fraction(1, 10**36), False),
            ("hi", lo * (1 - Fraction(1, 10**30)) - Fraction(1, 10**36), False),
            ("lo", lo - 1, True),
            ("hi", hi + 1, True),
        ):
            text = f"{round(new * 10**40)}e-40"
            found = sealed_status(tmp_path, changed(DOCUMENTS[kind], (*place, end), text))
            assert (found == "valid") == true, (side, end, text)
        for end in ("lo", "hi"):
            for new in ("", "x", "nan", "inf", "1/2", "0x1", "1" * 61, 1, "9" * 9):
                found = sealed_status(tmp_path, changed(DOCUMENTS[kind], (*place, end), new))
                assert found != "valid" or (end, new) == ("hi", "9" * 9), (side, end, new)
        for new in (None, {}, {"lo": "0"}, []):
            assert sealed_status(tmp_path, changed(DOCUMENTS[kind], place, new)) != "valid"


@pytest.mark.parametrize("kind", KINDS)
def test_any_precision_is_honest(tmp_path, kind):
    """
    More bits show the same; fewer show it or leave it undecided, and never make it invalid.
    """
    for bits in (16, 40, 191, 193, 2000):
        found = sealed_status(tmp_path, changed(DOCUMENTS[kind], ("precision",), bits))
        assert found in ("valid", "undecided"), bits


def numbers_of(kind) -> dict[str, object]:
    """What hypotheses and domains may mention, by numpy."""
    part = DOCUMENTS[kind]["configuration"]
    arrays = {
        name: np.array([float.fromhex(x) for x in array["floats"]]).reshape(array["shape"])
        for name, array in part["arrays"].items()
    }
    found = {name: Fraction(text) for name, text in part["parameters"].items()}
    if "W" in arrays:
        found |= {
            "W": arrays["W"],
            "q": np.linalg.norm(arrays["W"], 2),
            "norm2": lambda A: np.linalg.norm(A, 2),
        }
    gram = arrays["X"].T @ arrays["X"]
    extremes = {"lambda_min": min, "lambda_max": max}
    exact = {name: lambda A, f=f: Fraction(f(np.linalg.eigvalsh(A).tolist())) for name, f in extremes.items()}
    return found | {"G": gram} | exact


@pytest.mark.parametrize("kind", KINDS)
def test_a_sealed_change_of_the_theorem_s_text_is_valid_only_where_it_stays_true(tmp_path, kind):
    """
    Leaving out any one character of the theorem makes it another one, unless the words claim nothing
    or the hypotheses are others that hold as well.
    """
    text, original = DOCUMENTS[kind]["theorem"]["text"], SAMPLES[kind].theorem
    names = numbers_of(kind)
    survivors = 0
    for k in range(len(text)):
        shorter = text[:k] + text[k + 1 :]
        if sealed_status(tmp_path, changed(DOCUMENTS[kind], ("theorem", "text"), shorter)) != "valid":
            continue
        survivors += 1
        theorem = read_theorem(shorter, "sample.theorem.toml")
        words = {"text": original.text, "title": original.title, "source": original.source}
        assumed = {"hypotheses": original.hypotheses, "parameters": original.parameters}
        assert replace(theorem, **words, **assumed) == original, shorter
        assert [h.name for h in theorem.hypotheses] == [h.name for h in original.hypotheses]
        claims = [h.claim for h in theorem.hypotheses] + [p.domain for p in theorem.parameters.values()]
        assert all(eval(claim.text, {}, names) for claim in claims), shorter  # noqa: S307 - our own text

    assert survivors < len(text) / 3
