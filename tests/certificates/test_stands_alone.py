"""A certificate is verified by a machine that has neither torch nor the search."""

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from certificate_samples import ACTIVATIONS, TESTS, half_rate, put, step_too_long
from flint import arb, fmpq

from checker.activations import BALL_ACTIVATIONS
from checker.settings.deq_guesses import float_dphi, float_phi

ROOT = TESTS.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
(VERIFYING,) = [c for c in CONTRACTS if "needs neither" in c["name"]]
(SECOND,) = [c for c in CONTRACTS if "second code paths" in c["name"]]


def alone(code: str, *tokens: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run Python where everything that verifying may not import cannot be imported."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({VERIFYING['forbidden_modules']!r}))\n"
    blocked += f"del sys.modules['reports']; sys.path.insert(0, {str(ROOT)!r})\n"
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", blocked + code, *tokens],
        capture_output=True, text=True, timeout=300, check=False, cwd=cwd,
    )  # fmt: skip


@pytest.mark.parametrize("make", [half_rate, step_too_long])
def test_a_certificate_is_verified_without_torch_and_without_the_search(tmp_path, make):
    """
    Where torch, models, the search and the float engine cannot be imported, a certificate is valid.
    """
    path = put(tmp_path, make())

    done = alone(
        "import pathlib; from checker.certificate import verify; "
        "print(verify(pathlib.Path(sys.argv[1])).status)",
        str(path),
    )

    assert (done.stdout, done.stderr) == ("valid\n", "")


def test_what_is_blocked_is_blocked():
    """
    The test above has the power to see an import that it forbids.
    """
    for name in ("torch", "models", "checker.blas", "checker.search"):
        done = alone(f"import {name}")

        assert f"import of {name} halted" in done.stderr


def test_the_command_verifies_lists_shows_and_starts_theorems_without_torch(tmp_path):
    """
    `deqaudit verify FILE`, `list`, `show` and `new` work on a machine without torch.
    """
    path = put(tmp_path, half_rate())
    commands = (
        ("verify", str(path)),
        ("verify", "--json", str(path)),
        ("list",),
        ("show", "gd-least-squares"),
        ("new", "my-own", "--setting", "deq"),
    )

    done = [
        alone("import deqaudit; sys.exit(deqaudit.run(sys.argv[1:]))", *command, cwd=tmp_path)
        for command in commands
    ]

    assert [(d.returncode, d.stderr) for d in done] == [(0, "")] * len(commands)
    assert "VALID" in done[0].stdout.split("\n")[0]
    assert (tmp_path / "my-own.theorem.toml").exists()


def test_a_changed_certificate_is_invalid_there_too(tmp_path):
    """
    The command without torch sees a change.
    """
    path = put(tmp_path, half_rate())
    path.write_text(path.read_text(encoding="utf-8").replace('"step": 1', '"step": 2'), encoding="utf-8")

    done = alone("import deqaudit; sys.exit(deqaudit.run(sys.argv[1:]))", "verify", str(path))

    assert (done.returncode, "INVALID" in done.stdout) == (1, True)


def test_a_file_that_is_no_certificate_is_refused_there_in_one_line(tmp_path):
    """
    The command without torch says what is wrong in one line, with exit status 2.
    """
    path = tmp_path / "x.json"
    path.write_text('{"kind": "certificate", "format": 2}', encoding="utf-8")

    done = alone("import deqaudit; sys.exit(deqaudit.run(sys.argv[1:]))", "verify", str(path))

    expected = "is not a certificate: format: expected 1, the one that this version reads, found 2"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"deqaudit: x.json: {expected}\n")


@pytest.mark.parametrize(
    ("contract", "prefixes"),
    [(VERIFYING, ("certificate", "replay", "rational_")), (SECOND, ("replay", "rational_"))],
    ids=["verifying", "second"],
)
def test_every_verifying_module_is_under_its_contract(contract, prefixes):
    """
    A module added to the verifying path is held by the import contract like the others.
    """
    found = {
        f"checker.{path.stem}"
        for prefix in prefixes
        for path in (ROOT / "checker").glob(f"{prefix}*.py")
        if path.stem != "certificate_writing"
    }

    assert found <= set(contract["source_modules"])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_guesses_need_no_torch_and_are_near(activation):
    """
    The float64 activations behind guesses of equilibria agree with the balls, kinks included.
    """
    ball = BALL_ACTIVATIONS[activation]
    Z = np.array([[-30.0, -2.5, -1e-9, 0.0], [1e-9, 0.5, 3.0, 40.0]])

    phi, dphi = float_phi(activation, Z), float_dphi(activation, Z, 0.25)

    for z, value, slope in zip(Z.ravel(), phi.ravel(), dphi.ravel(), strict=True):
        assert value == pytest.approx(float(ball.phi(arb(z)).mid()), rel=1e-12, abs=1e-200)
        assert slope == pytest.approx(float(ball.dphi(arb(z), fmpq(1, 4)).mid()), rel=1e-12, abs=1e-200)
