"""From the tables of a theorem file to a `Theorem`: every key, name, shape and rule is checked here."""

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final, cast

from checker.consistency import check_consistency, check_expansion
from checker.expression.shapes import similar
from checker.expression.signs import is_symmetric, with_symmetry_shown
from checker.expression.tree import Claim, Comparison, Name, Node
from checker.laws import read_laws, read_variables
from checker.records import FORMAT
from checker.settings import PLANNED, SETTINGS
from checker.settings.base import Setting
from checker.statements import read_claims, read_probability, read_proof, read_tolerances
from checker.tables import Table, exact_number, parse_toml, refuse_long_formulas
from checker.theorem import Algorithm, Fidelity, Kind, Parameter, Quantifier, Scope, Source, Theorem
from checker.vocabulary import Vocabulary, read_claim, read_node, read_scalar

KINDS: Final = ("deterministic", "high-probability", "asymptotic")
FIDELITIES: Final = ("verbatim", "paraphrase", "recalled", "reconstructed", "derived")
ALGORITHMS: Final = ("gradient-descent", "gradient-flow", "picard", "none")
QUANTIFIERS: Final = ("forall", "exists", "hidden")
MAX_PARAMETERS: Final = 100

_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NEEDED: Final = ("format", "theorem", "dynamics", "conclusions")


def read_theorem(text: str, origin: str, settings: Mapping[str, Setting] = SETTINGS) -> Theorem:
    """The theorem a file states; `origin` is the file's name in errors. Raises TheoremError."""
    content = parse_toml(text, origin)
    refuse_long_formulas(content, origin)
    top = Table(content, origin)
    if top.value("format") is None:
        raise top.error(None, "'format' is required at the top; write format = 1")
    if isinstance(top.data["format"], bool) or top.data["format"] != FORMAT:
        raise top.error("format", f"must be {FORMAT}, the only format there is")
    for key in _NEEDED:
        if top.value(key) is None:
            raise top.error(None, f"[{key}] is required")
    head, dynamics = top.table("theorem"), top.table("dynamics")
    identity = head.text("id")
    if not _ID.fullmatch(identity) or len(identity) > 100:
        raise head.error(
            "id", "must be kebab-case: lower-case letters, digits and single hyphens, as in 'my-theorem'"
        )
    title = head.text("title")
    setting = _setting(head, settings)
    kind = cast(Kind, head.choice("kind", KINDS))
    statement = head.text("statement", "")
    source = _source(head)
    head.finish()
    words, kink, form = _dynamics(dynamics, setting)
    parameters = _parameters(top.table("parameters"), words)
    definition_table = top.table("definitions")
    if words.step is not None and words.step not in parameters and words.step not in definition_table.data:
        parameters[words.step] = _implied_step(words.step, dynamics, words)
    scope = _scope(top.table("scope"), setting, words)
    initialization = read_laws(top.table("initialization"), setting.parameters, words)
    data = read_laws(top.table("data"), {"X": ("d", "n"), "y": ("n",)}, words)
    words.refuse_kernels(initialization)
    words.symmetric_draws = {name for name, draw in initialization.items() if draw.law == "goe"}
    _refuse_infinite_slopes(scope, words)
    variables = read_variables(top.table("variables"), words)
    definitions = _definitions(definition_table, words)
    hypotheses = read_claims(top.table("hypotheses"), words, "hypothesis")
    conclusion_table = top.table("conclusions")
    conclusions = read_claims(conclusion_table, words, "conclusion")
    if not conclusions:
        raise top.error("conclusions", "at least one conclusion is required")
    theorem = Theorem(
        id=identity,
        title=title,
        setting=setting.name,
        kind=kind,
        statement=statement.strip(),
        source=source,
        algorithm=words.algorithm,
        step=words.step,
        trains=words.trains,
        kink=kink,
        form=form,
        parameters=parameters,
        scope=scope,
        definitions=definitions,
        hypotheses=hypotheses,
        conclusions=conclusions,
        proof=read_proof(top.tables("proof")),
        tolerances=read_tolerances(top.table("tolerances"), conclusions),
        probability=read_probability(top, words),
        initialization=initialization,
        data=data,
        variables=variables,
        limit=_limit(top, words),
        text=text,
        origin=origin,
    )
    top.finish()
    check_expansion(theorem)
    check_consistency(theorem, setting)
    return theorem


def _setting(head: Table, settings: Mapping[str, Setting]) -> Setting:
    name = head.text("setting")
    if name in settings:
        return settings[name]
    known = ", ".join(settings)
    if name in PLANNED:
        raise head.error("setting", f"'{name}' is planned and not built yet; built: {known}")
    raise head.error("setting", f"unknown setting '{name[:60]}'; {similar(name, settings)}")


def _source(head: Table) -> Source:
    if head.value("source") is None:
        raise head.error(None, "[theorem.source] is required, with at least 'fidelity'")
    table = head.table("source")
    year = table.whole("year")
    if year is not None and not -3000 <= year <= 3000:
        raise table.error("year", "must be a year such as 1964")
    source = Source(
        fidelity=cast(Fidelity, table.choice("fidelity", FIDELITIES)),
        authors=table.text("authors", ""),
        year=year,
        arxiv=table.text("arxiv", ""),
        where=table.text("where", ""),
        notes=table.text("notes", "").strip(),
    )
    table.finish()
    return source


def _dynamics(table: Table, setting: Setting) -> tuple[Vocabulary, Fraction, str | None]:
    algorithm = cast(Algorithm, table.choice("algorithm", ALGORITHMS))
    if algorithm == "picard" and not setting.has_equilibrium:
        raise table.error("algorithm", f"'picard' needs an equilibrium, and {setting.name} has none")
    if algorithm not in setting.algorithms:
        known = ", ".join(setting.algorithms)
        raise table.error("algorithm", f"'{algorithm}' is not known for {setting.name}; known: {known}")
    step = None
    if algorithm == "gradient-descent":
        step = table.text("step", "eta")
    elif table.value("step") is not None:
        raise table.error("step", f"only gradient-descent has a step, not {algorithm}")
    trains = table.texts("trains")
    for name in trains or ():
        if name not in setting.parameters:
            raise table.error(
                "trains",
                f"'{name[:60]}' is no parameter of {setting.name}; {similar(name, setting.parameters)}",
            )
    if trains is not None and (not trains or len(set(trains)) < len(trains)):
        raise table.error("trains", "names each trained parameter once, and at least one")
    kink = Fraction(0)
    text = table.formula("kink")
    if text is not None:
        value = exact_number(text)
        if value is None or not -1 <= value <= 1:
            raise table.error(
                "kink", "must be a number between -1 and 1, a value of phi' where it does not exist"
            )
        kink = value
    form = table.text("form") if table.value("form") is not None else None
    if form is not None:
        raise table.error("form", f"{setting.name} has one form only; leave 'form' out")
    table.finish()
    chosen = tuple(name for name in setting.parameters if trains is None or name in trains)
    return Vocabulary(setting, algorithm, step, chosen), kink, form


def _implied_step(step: str, dynamics: Table, words: Vocabulary) -> Parameter:
    words.declare(step, dynamics, key="step")
    words.scalars[step] = ()
    where = words.scalar_where("a domain")
    return Parameter(step, "forall", read_claim(dynamics, "step", f"0 < {step}", words.scalar_names(), where))


def _parameters(table: Table, words: Vocabulary) -> dict[str, Parameter]:
    if len(table.data) > MAX_PARAMETERS:
        raise table.error(None, f"has {len(table.data)} entries, more than the {MAX_PARAMETERS} allowed")
    entries: dict[str, Table] = {}
    values: dict[str, tuple[Node | None, Node | None]] = {}
    for name in table.data:
        words.declare(name, table)
        if not isinstance(table.value(name), dict):
            example = f'{{ domain = "0 < {name}", quantifier = "forall" }}'
            raise table.error(name, f"must be a table such as {example} or {{ value = 0.1 }}")
        entry = entries[name] = table.table(name)
        below = {
            other: f"'{other}' is declared below; a value may use sizes and the parameters above it"
            for other in table.data
            if other not in words.scalars
        }
        where = words.scalar_where("a value")
        where = replace(where, refused={**where.refused, **below})
        known = words.scalar_names()
        value, default = entry.formula("value"), entry.formula("default")
        values[name] = (
            None if value is None else read_scalar(entry, "value", value, known, where),
            None if default is None else read_scalar(entry, "default", default, known, where),
        )
        words.scalars[name] = ()
    return {name: _parameter(name, entry, *values[name], words) for name, entry in entries.items()}


def _parameter(
    name: str, entry: Table, value: Node | None, default: Node | None, words: Vocabulary
) -> Parameter:
    quantifier: Quantifier = "fixed"
    if value is None:
        quantifier = cast(Quantifier, entry.choice("quantifier", QUANTIFIERS, "forall"))
    elif entry.value("quantifier") is not None:
        raise entry.error(
            "quantifier", "a parameter with a value has no quantifier; leave one of the two out"
        )
    if default is not None and quantifier != "forall":
        raise entry.error("default", "only a forall parameter has a default")
    text = None if entry.value("domain") is None else entry.text("domain")
    domain = None
    if text is not None:
        domain = read_claim(entry, "domain", text, words.scalar_names(), words.scalar_where("a domain"))
    depends_on = entry.texts("depends_on")
    if depends_on is not None and quantifier != "hidden":
        raise entry.error("depends_on", "only a hidden constant depends on parameters")
    for other in depends_on or ():
        if other == name or other not in words.scalar_names():
            raise entry.error(
                "depends_on",
                f"'{other[:60]}' is no other parameter; {similar(other, set(words.scalar_names()) - {name})}",
            )
    entry.finish()
    return Parameter(name, quantifier, domain, value, default, depends_on or ())


def _scope(table: Table, setting: Setting, words: Vocabulary) -> Scope:
    activations = None
    if (listed := table.value("activation")) is not None:
        activations = (table.text("activation"),) if isinstance(listed, str) else table.texts("activation")
        if not setting.activations:
            raise table.error("activation", f"{setting.name} has no activation")
        for name in activations or ():
            if name not in setting.activations:
                raise table.error(
                    "activation", f"unknown activation '{name[:60]}'; {similar(name, setting.activations)}"
                )
        if not activations or len(set(activations)) < len(activations):
            raise table.error("activation", "names each activation once, and at least one")
    known, where = words.scalar_names(), words.scalar_where("a scope")
    norm = table.formula("data_norm")
    data_norm = None if norm is None else read_scalar(table, "data_norm", norm, known, where)
    sizes: dict[str, Claim] = {}
    for size in words.sizes:
        text = table.formula(size)
        if text is None:
            continue
        if re.search(r"[<>=]", text):
            sizes[size] = read_claim(table, size, text, known, where)
        else:
            node = read_scalar(table, size, text, known, where)
            own = Name(size, shape=())
            sizes[size] = Claim(f"{size} == {text.strip()}", (Comparison("==", own, node),))
    table.finish()
    return Scope(activations, data_norm, sizes)


def _definitions(table: Table, words: Vocabulary) -> dict[str, Node]:
    out: dict[str, Node] = {}
    words.later = set(table.data)
    for name in table.data:
        words.declare(name, table)
        text = table.formula(name) or ""
        node = read_node(table, name, text, words.names("definition"), words.where("definition"))
        node = with_symmetry_shown(node, words.symmetric("definition"))
        if name in {words.step, *words.setting.scalars} and node.shape != ():
            raise table.error(name, f"'{name}' is a scalar; {text.strip()[:60]!r} is an array", 1)
        words.later.discard(name)
        out[name] = node
        words.definitions[name] = node.shape or ()
        if is_symmetric(node, words.symmetric("definition")):
            words.symmetric_definitions.add(name)
    return out


def _limit(top: Table, words: Vocabulary) -> str | None:
    if top.value("limit") is None:
        return None
    table = top.table("limit")
    grows = table.choice("grows", [size for size in words.sizes if size != "n"])
    table.finish()
    return grows


def _refuse_infinite_slopes(scope: Scope, words: Vocabulary) -> None:
    known = words.setting.activations
    infinite = [name for name in scope.activation or () if known[name].lipschitz_derivative() is None]
    if infinite:
        words.refused["L_dphi"] = f"'L_dphi' is infinite for {infinite[0]}, which [scope] lists"
