"""A certificate is verified by a machine that has neither torch nor the search."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from certificate_samples import TESTS, half_rate, put, step_too_long

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
