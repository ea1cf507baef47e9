"""Templates of theorem files: small true theorems with a comment at every line a beginner would ask about."""

import re
from importlib.resources import files

from checker.errors import UsageError
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
