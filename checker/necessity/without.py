"""A theorem file written again without one of its hypotheses or scope entries, and read as any other file."""

import json
from collections.abc import Mapping
from typing import Final, cast

from checker.declaration import read_theorem
from checker.tables import Decimal, Toml, parse_toml
from checker.theorem import Theorem

SCOPE: Final = "scope."
"""What the name of a scope entry starts with, as in `scope.m`."""

_LONGEST_ID: Final = 100


def assumption_names(theorem: Theorem) -> tuple[str, ...]:
    """The hypotheses by name, then the entries of the scope as `scope.KEY`."""
    scope = list(theorem.scope.sizes)
    scope += ["activation"] if theorem.scope.activation is not None else []
    scope += ["data_norm"] if theorem.scope.data_norm is not None else []
    return (*(h.name for h in theorem.hypotheses), *(SCOPE + key for key in scope))


def without(theorem: Theorem, name: str) -> Theorem:
    """The theorem without the hypothesis or scope entry `name`, read from its own file text.

    It has an id of its own ("ID-without-NAME"), says in its notes what it is, and has no proof steps,
    which were about the theorem with it. Raises TheoremError where no such theorem can be stated.
    """
    content = parse_toml(theorem.text, theorem.origin)
    table, key = ("scope", name.removeprefix(SCOPE)) if name.startswith(SCOPE) else ("hypotheses", name)
    kept = {k: v for k, v in cast(Toml, content[table]).items() if k != key}
    content = {k: kept if k == table else v for k, v in content.items() if k != "proof"}
    head = dict(cast(Toml, content["theorem"]))
    what = f"the scope entry {key}" if table == "scope" else f"the hypothesis {key}"
    source = dict(cast(Toml, head["source"]))
    said = source.get("notes")
    source["fidelity"] = "derived"
    source["notes"] = f"{theorem.id} without {what}.\n{said if isinstance(said, str) else ''}".strip() + "\n"
    head |= {
        "id": _identity(theorem, name),
        "title": f"{theorem.title}, without {what}",
        "statement": f"The theorem {theorem.id} as its file states it, without {what}.",
        "source": source,
    }
    return read_theorem(toml_text(content | {"theorem": head}), theorem.origin)


def _identity(theorem: Theorem, name: str) -> str:
    """An id that no other weakened theorem of this one has, whatever letters are told apart."""
    names = assumption_names(theorem)
    word = _kebab(name)
    twins = [other for other in names if _kebab(other) == word]
    word = word if len(twins) == 1 else f"{word}-{names.index(name) + 1}"
    ending = f"-without-{word[:60].strip('-')}"
    return theorem.id[: _LONGEST_ID - len(ending)].strip("-") + ending


def _kebab(name: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return "-".join(words) or "it"


def toml_text(content: Mapping[str, object]) -> str:
    """Tables as TOML text that reads back as the same tables; the innermost ones stand on one line."""
    lines: list[str] = []
    _table(lines, "", content)
    return "\n".join(lines) + "\n"


def _table(lines: list[str], path: str, table: Mapping[str, object]) -> None:
    inner = {k: v for k, v in table.items() if isinstance(v, dict) and path in ("", "theorem")}
    plain = {k: v for k, v in table.items() if k not in inner}
    if path and (plain or not inner):
        lines += ["", f"[{path}]"]
    lines += [f"{_text(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in inner.items():
        _table(lines, f"{path}.{_text(key)}" if path else _text(key), cast(Toml, value))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        entries = cast(Toml, value).items()
        return "{ " + ", ".join(f"{_text(k)} = {_value(v)}" for k, v in entries) + " }" if entries else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, cast(list[object], value))) + "]"
    if isinstance(value, str) and not isinstance(value, Decimal):
        return _lines(value) if "\n" in value else _quoted(value)
    return str(value)


def _text(key: str) -> str:
    bare = bool(key) and key.isascii() and key.replace("_", "a").replace("-", "a").isalnum()
    return key if bare else _quoted(key)


def _quoted(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _lines(text: str) -> str:
    """A basic string over several lines."""
    inner = "\n".join(_quoted(line)[1:-1] for line in text.split("\n"))
    return f'"""\n{inner}"""'
