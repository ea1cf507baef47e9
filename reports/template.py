"""Templates of theorem files: small true theorems with a comment at every line a beginner would ask about."""

import re
from importlib.resources import files
from pathlib import Path

from checker.errors import UsageError
from checker.reading import builtin_ids
from checker.settings import PLANNED, SETTINGS

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def template(theorem_id: str, setting: str) -> str:
    """The text of a template for a setting. Raises UsageError for an id or a setting that cannot be."""
    if not _ID.fullmatch(theorem_id) or len(theorem_id) > 100:
        raise UsageError(
            f"new {theorem_id[:60]}: an id is kebab-case: lower-case letters, digits and single hyphens, "
            "as in my-theorem"
        )
    if setting not in SETTINGS:
        why = "is planned, not built yet" if setting in PLANNED else "is not a setting"
        raise UsageError(f"--setting {setting[:60]}: {why}; choose one of {', '.join(SETTINGS)}")
    folder = files("reports") / "templates"
    own = folder / f"{setting}.theorem.toml"
    text = (own if own.is_file() else folder / "any.theorem.toml").read_text(encoding="utf-8")
    title = theorem_id.replace("-", " ").capitalize()
    return text.replace("@ID@", theorem_id).replace("@TITLE@", title).replace("@SETTING@", setting)


def write_template(theorem_id: str, setting: str) -> Path:
    """Write `ID.theorem.toml` in the current directory. Raises UsageError where it is there already."""
    text = template(theorem_id, setting)
    if theorem_id in builtin_ids():
        raise UsageError(f"new {theorem_id}: a built-in theorem has this id; choose another")
    path = Path(f"{theorem_id}.theorem.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"new {theorem_id}: {path} is here already, and is not overwritten") from None
    except OSError as error:
        raise UsageError(f"new {theorem_id}: cannot write {path} ({error.strerror})") from None
    return path
