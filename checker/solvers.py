"""A child process that answers satisfiability questions with one SMT solver.

Run by its path, `python -P checker/solvers.py NAME MEGABYTES`, and imports nothing of this package. Reads
one JSON document a line, {"script": SMT-LIB 2 text, "milliseconds": limit}, and answers each with one line,
{"answer": "sat" | "unsat" | "unknown", "model": {symbol: [lower, upper]}, "note": text}; a model gives
each variable two rational texts "p/q", equal where the value is exact. The first line is {"ready": NAME}.
The memory limit is hard, the time limit is the solver's own; who asks kills the process where it is not kept.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
import os
import resource
import sys
from collections.abc import Callable
from typing import TypeAlias

Model: TypeAlias = dict[str, tuple[str, str]]
Answer: TypeAlias = tuple[str, Model, str]


def ask_z3(script: str, milliseconds: int) -> Answer:
    """z3's answer to one script, each in a context of its own."""
    import z3

    solver = z3.Solver(ctx=z3.Context())
    solver.set("timeout", milliseconds)
    solver.set("random_seed", 0)
    solver.from_string(script)
    result = solver.check()
    if result.r < 0:
        return "unsat", {}, ""
    if result.r == 0:
        return "unknown", {}, str(solver.reason_unknown())
    model: Model = {}
    found = solver.model()
    for symbol in found.decls():
        value = found[symbol]
        if z3.is_rational_value(value):
            text = str(value.as_fraction())
            model[symbol.name()] = (text, text)
        elif z3.is_algebraic_value(value):
            near = value.approx(30).as_fraction()
            model[symbol.name()] = (str(near), str(near + near.__class__(1, 10**30)))
    return "sat", model, ""


def ask_cvc5(script: str, milliseconds: int) -> Answer:
    """cvc5's answer to one script, each with a solver of its own."""
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    for option, value in (("tlimit-per", str(milliseconds)), ("produce-models", "true"), ("seed", "0")):
        solver.setOption(option, value)
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, script, "step")
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        command.invoke(solver, symbols)
    result = solver.checkSat()
    if result.isUnsat():
        return "unsat", {}, ""
    if not result.isSat():
        return "unknown", {}, str(result.getUnknownExplanation())
    model: Model = {}
    for term in symbols.getDeclaredTerms():
        value = solver.getValue(term)
        if value.isRealValue():
            exact = str(value.getRealValue())
            model[term.getSymbol()] = (exact, exact)
        elif value.isRealAlgebraicNumber():
            ends = (value.getRealAlgebraicNumberLowerBound(), value.getRealAlgebraicNumberUpperBound())
            model[term.getSymbol()] = (str(ends[0].getRealValue()), str(ends[1].getRealValue()))
    return "sat", model, ""


SOLVERS: dict[str, Callable[[str, int], Answer]] = {"z3": ask_z3, "cvc5": ask_cvc5}


def main(arguments: list[str]) -> None:
    """Answer lines until the input ends."""
    name, megabytes = arguments
    limit = int(megabytes) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The solvers' own messages must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    ask = SOLVERS[name]
    ask("(declare-fun x () Real)\n(assert (> x 0.0))\n", 1000)  # loads and warms the library
    answers.write(json.dumps({"ready": name}) + "\n")
    answers.flush()
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer, model, note = ask(question["script"], question["milliseconds"])
        except Exception as error:  # whatever a solver raises, this question stays open
            answer, model, note = "unknown", {}, f"{type(error).__name__}: {error}"
        answers.write(json.dumps({"answer": answer, "model": model, "note": note}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
