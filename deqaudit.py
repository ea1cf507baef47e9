"""deqaudit: do convergence theorems of deep equilibrium models hold, here and at all?

The command `deqaudit` and the one module that users import. It reads arguments, calls
the checker, shows reports, and alone prints or exits. What is heavy is imported when
it is first needed, so that listings and errors come at once.
"""

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from checker.errors import CheckerError, ExpressionError, TheoremError, UsageError
from checker.options import check_device, check_effort, collect, texts_of

# isort: off
from checker.records import (
    ArrayBounds, AuditReport, Bounds, ChainLink, ConclusionRecord, ConditionReport, Counterexample, Curve,
    FactorAt, Hidden, HypothesisRecord, HypothesisUse, Instance, Predicted, Probability, ProofStepRecord,
    Satisfiability, Sharpness, Simulation, StartBound, Swept, TheoremHeader, VerifyReport,
)  # fmt: skip
from checker.width_records import WidthReport, WidthRow

# isort: on
from checker.verdict import Basis, Verdict

if TYPE_CHECKING:
    from checker.simulation import simulate
    from checker.theorem import Theorem
    from reports.notebook import Shown

__all__ = [
    "ArrayBounds", "AuditReport", "Basis", "Bounds", "ChainLink", "CheckerError", "ConclusionRecord",
    "ConditionReport", "Counterexample", "Curve", "ExpressionError", "FactorAt", "Hidden", "HypothesisRecord",
    "HypothesisUse", "Instance", "Predicted", "Probability", "ProofStepRecord", "Satisfiability", "Sharpness",
    "Shown", "Simulation", "StartBound", "Swept", "Theorem", "TheoremError", "TheoremHeader", "UsageError",
    "Verdict", "VerifyReport", "WidthReport", "WidthRow", "audit", "check", "load", "main", "simulate",
    "verify", "width",
]  # fmt: skip

Setting: TypeAlias = str | int | float | Fraction
Report: TypeAlias = ConditionReport | AuditReport | VerifyReport | WidthReport

_LATER = {"Theorem": "checker.theorem", "simulate": "checker.simulation", "Shown": "reports.notebook"}

_STATUS = {"applies": 0, "supported": 0, "valid": 0, "does-not-apply": 1, "refuted": 1, "invalid": 1}
COMMANDS = ("list", "show", "check", "audit", "width", "verify", "new")
_OPEN, _USAGE, _BUG, _INTERRUPTED = 3, 2, 70, 130


def __getattr__(name: str) -> object:
    """Public names whose modules are heavy, imported when first asked for."""
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'deqaudit' has no attribute {name!r}")


# --- From Python ---------------------------------------------------------------------------------


def load(path_or_id: "str | os.PathLike[str]") -> "Theorem":
    """A built-in theorem by id, or a theorem file by path. Raises TheoremError."""
    from checker.reading import load as read

    return read(os.fspath(path_or_id))


def check(
    theorem: "Theorem | str | os.PathLike[str]",
    *,
    set: Mapping[str, Setting] | None = None,  # noqa: A002 - the name of the option
    seed: int | None = None,
    device: str = "cpu",
) -> ConditionReport:
    """Do the hypotheses of a theorem hold for one configuration?

    `set` holds the names of `--set`. Text is exact ("0.1" is one tenth), and so is a float:
    0.1 counts as the decimal it prints. Raises CheckerError for what cannot be.
    """
    check_device(device)
    from checker.conditions import check as judge

    return judge(_theorem(theorem), texts_of(set or {}, seed), seed=seed, device=device)


def audit(
    theorem: "Theorem | str | os.PathLike[str]",
    *,
    set: Mapping[str, Setting] | None = None,  # noqa: A002 - the name of the option
    seed: int | None = None,
    device: str = "cpu",
    budget: float = 60.0,
    runs: int = 32,
    steps: int | None = None,
    confidence: float = 0.999,
    out: "str | os.PathLike[str] | None" = None,
    progress: Callable[[str], None] | None = None,
) -> AuditReport:
    """Is a theorem consistent with simulation, its own proof steps, and itself?

    `budget` is in seconds, 0 for no limit; a certificate of a violation is written to `out`.
    Raises CheckerError for what cannot be.
    """
    check_device(device)
    check_effort(budget, runs, steps, confidence)
    from checker.audit import audit as judge

    return judge(
        _theorem(theorem), texts_of(set or {}, seed), seed=seed, device=device, budget=budget, runs=runs,
        steps=steps, confidence=confidence, out=None if out is None else Path(out), progress=progress,
    )  # fmt: skip


def width(
    theorem: "Theorem | str | os.PathLike[str]",
    *,
    set: Mapping[str, Setting] | None = None,  # noqa: A002 - the name of the option
    seed: int | None = None,
    budget: float = 60.0,
    progress: Callable[[str], None] | None = None,
) -> WidthReport:
    """How wide does a theorem want the model, and how wide does simulation say it must be?

    A row for each number of samples: `set` may hold "n": "2,4,8". `budget` is in seconds, 0 for no limit.
    Raises CheckerError for what cannot be.
    """
    check_effort(budget, 1, None, 0.5)
    from checker.solving.widths import widths

    return widths(_theorem(theorem), texts_of(set or {}, seed), seed=seed, budget=budget, progress=progress)


def verify(certificate: "str | os.PathLike[str]") -> VerifyReport:
    """Re-check a certificate on its own. Raises CheckerError for a file that is none."""
    from checker.certificate import verify as judge

    return judge(Path(certificate))


def _theorem(theorem: "Theorem | str | os.PathLike[str]") -> "Theorem":
    return load(theorem) if isinstance(theorem, str | os.PathLike) else theorem


# --- The command ---------------------------------------------------------------------------------


Flag = Annotated[bool, Parameter(negative="")]


def _version() -> str:
    try:
        return version("deqaudit")
    except PackageNotFoundError:
        return "not installed"


app = App(
    name="deqaudit", version=_version, help="Check and audit convergence theorems of deep equilibrium models."
)


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """What check and audit share.

    Parameters
    ----------
    set
        NAME=VALUE, repeatable: n d m steps activation data labels seed s_w s_u s_a s_y and every parameter.
    config
        A TOML file with the same names.
    device
        Where simulations run.
    seed
        The seed of every draw (default 0).
    json
        Print one JSON document and nothing else.
    out
        A directory for the report in every format.
    quiet
        Print the verdict only, and no progress.
    """

    set: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    config: Path | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    seed: int | None = None
    json: Flag = False
    out: Path | None = None
    quiet: Flag = False


@Parameter(name="*")
@dataclass(frozen=True)
class Sizes:
    """What width takes.

    Parameters
    ----------
    set
        NAME=VALUE, repeatable: n=2,4,8 d steps activation data labels seed s_w s_u s_a s_y, every parameter.
    config
        A TOML file with the same names.
    seed
        The seed of every draw (default 0).
    json
        Print one JSON document and nothing else.
    out
        A directory for the report in every format.
    quiet
        Print one line only, and no progress.
    """

    set: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    config: Path | None = None
    seed: int | None = None
    json: Flag = False
    out: Path | None = None
    quiet: Flag = False


_DEFAULTS = Options()
_DEFAULT_SIZES = Sizes()


@app.command(name="list")
def _list(*, json: Flag = False) -> int:
    """List the built-in theorems, and the settings with their names and defaults."""
    from checker.reading import builtin_ids
    from checker.settings import SETTINGS
    from reports.showing import listing, listing_json

    theorems = [load(theorem_id) for theorem_id in builtin_ids()]
    _say((listing_json if json else listing)(theorems, list(SETTINGS.values())))
    return 0


@app.command(name="show")
def _show(theorem: str, /, *, latex: Flag = False) -> int:
    """Show one theorem: statement, source, quantifiers, hypotheses, conclusions, proof steps.

    Parameters
    ----------
    latex
        Print the statement as a LaTeX theorem, and the proof steps as an align block.
    """
    if latex:
        from reports.statement import to_statement

        _say(to_statement(load(theorem)))
        return 0
    from reports.showing import show

    _say(show(load(theorem), colour=_colours()))
    return 0


@app.command(name="check")
def _check(theorem: str, /, *, options: Options = _DEFAULTS) -> int:
    """Do the hypotheses hold for this configuration? 0: applies, 1: does not apply, 3: undecided."""
    with _working(options) as (settings, _):
        report = check(theorem, set=settings, seed=options.seed, device=options.device)
    return _deliver(report, options)


@app.command(name="audit")
def _audit(
    theorem: str,
    /,
    *,
    options: Options = _DEFAULTS,
    budget: float = 60.0,
    runs: int = 32,
    steps: int | None = None,
    confidence: float = 0.999,
) -> int:
    """Is a theorem consistent with simulation and itself? 0: supported, 1: refuted, 3: neither.

    Parameters
    ----------
    budget
        Seconds of work; 0 for no limit.
    runs
        How many runs must satisfy the hypotheses.
    steps
        Steps of each run (default 200).
    confidence
        Of the interval for a claimed probability.
    """
    with _working(options) as (settings, progress):
        report = audit(
            theorem, set=settings, seed=options.seed, device=options.device, budget=budget, runs=runs,
            steps=steps, confidence=confidence, out=options.out, progress=progress,
        )  # fmt: skip
    return _deliver(report, options)


@app.command(name="width")
def _width(theorem: str, /, *, options: Sizes = _DEFAULT_SIZES, budget: float = 60.0) -> int:
    """How wide does the theorem want the model, over n, beside the width at which simulation shows its rate?

    A table over n (default n = 2, 4, 8, 16; --set n=2,4,8 for others): the smallest width certified for one
    draw of the start, a width by high-probability bounds, the width at which every simulated run shows the
    rate, and the ratios.

    Parameters
    ----------
    budget
        Seconds of work; 0 for no limit. What it cuts is listed.
    """
    common = Options(
        options.set, options.config, "cpu", options.seed, options.json, options.out, options.quiet
    )
    with _working(common) as (settings, progress):
        report = width(theorem, set=settings, seed=options.seed, budget=budget, progress=progress)
    return _deliver(report, common)


@app.command(name="verify")
def _verify(certificate: str, /, *, json: Flag = False, quiet: Flag = False) -> int:
    """Re-check a certificate on its own. 0: valid, 1: invalid, 3: undecided."""
    with redirect_stdout(sys.stderr):
        report = verify(certificate)
    return _deliver(report, Options(json=json, quiet=quiet))


@app.command(name="new")
def _new(theorem_id: Annotated[str, Parameter(name="ID")], /, *, setting: str) -> int:
    """Write ID.theorem.toml here: a commented template, itself a small true theorem."""
    from reports.template import write_template

    path = write_template(theorem_id, setting)
    _say(f"Wrote {path}. Next: deqaudit show {path}\n")
    return 0


# --- Running, printing, exiting ------------------------------------------------------------------


def _colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _say(text: str) -> None:
    """Write to standard output; a reader that has gone is no error, a full disk is the user's."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _mute()
    except OSError as error:
        _mute()
        raise UsageError(f"cannot write to standard output ({error.strerror})") from None


def _mute() -> None:
    """Standard output leads nowhere from now on, so that nothing fails again at exit."""
    with suppress(OSError), open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, not a file
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


@contextmanager
def _working(options: Options) -> Generator[tuple[dict[str, str], Callable[[str], None] | None], None, None]:
    """What the user set, and where to tell progress; standard output is kept for the report alone."""
    settings = collect(options.set, options.config, options.seed)
    if options.out is not None:
        from reports.files import prepare

        prepare(options.out)
    with redirect_stdout(sys.stderr):
        if options.quiet or not sys.stderr.isatty():
            yield settings, None
            return
        from rich.console import Console
        from rich.markup import escape

        with Console(stderr=True).status("starting") as status:
            yield settings, lambda text: status.update(escape(text))


def _deliver(report: Report, options: Options) -> int:
    """Write what was asked for, print what was asked for, and say which exit status that makes."""
    from reports.jsonfile import to_json
    from reports.text import to_text, verdict_line
    from reports.views import view

    written: tuple[Path, ...] = ()
    if options.out is not None and not isinstance(report, VerifyReport):
        from reports.files import write_reports

        written = write_reports(report, options.out)
    if options.json:
        _say(to_json(report))
    elif options.quiet:
        _say(verdict_line(view(report)) + "\n")
    else:
        _say(to_text(view(report), colour=_colours()) + _where(written, report))
    if isinstance(report, WidthReport):
        return 0
    verdict = report.status if isinstance(report, VerifyReport) else report.verdict
    return _STATUS.get(verdict, _OPEN)


def _where(written: Sequence[Path], report: Report) -> str:
    if isinstance(report, VerifyReport):
        return ""
    if not written:
        return "\nGive --out DIR for the whole report as HTML, JSON, Markdown and LaTeX.\n"
    return "\nThe whole report:\n" + "".join(f"  {path}\n" for path in written)


def _complain(text: str) -> None:
    """One line on standard error, whatever the text holds."""
    from reports.numbers import clean

    sys.stderr.write(f"deqaudit: {' '.join(clean(text).split())}\n")


def _usage(error: CycloptsError, tokens: Sequence[str]) -> str:
    if isinstance(error, UnusedCliTokensError):
        text = f"unexpected argument {' '.join(error.unused_tokens or [])[:60]!r}"
    else:
        text = str(error).rstrip(".")
    command = f" {tokens[0]}" if tokens and tokens[0] in COMMANDS else ""
    return f"{text} (see deqaudit{command} --help)"


def run(tokens: Sequence[str]) -> int:
    """Run one command line; returns the exit status. Prints, and never raises for what a user may do."""
    try:
        if any("\udc80" <= character <= "\udcff" for token in tokens for character in token):
            raise UsageError("the command line is not valid UTF-8")
        if not tokens:
            raise UsageError(f"a command is needed: one of {', '.join(COMMANDS)} (see deqaudit --help)")
        command, bound, _ = app.parse_args(list(tokens), exit_on_error=False, print_error=False)
        status = command(*bound.args, **bound.kwargs)
        return status if isinstance(status, int) else 0
    except (CheckerError, CycloptsError) as error:
        _complain(_usage(error, tokens) if isinstance(error, CycloptsError) else str(error))
        return _USAGE
    except KeyboardInterrupt:
        _complain("interrupted")
        return _INTERRUPTED
    except Exception:
        traceback.print_exc()
        sys.stderr.write(f"command line: {shlex.join(['deqaudit', *tokens])}\n")
        _complain("this is a bug in deqaudit; please report it with the command line above")
        return _BUG


def main() -> None:
    """The command `deqaudit`: run the command line and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no terminal is too old for a report
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
