"""Small theorems whose needs are known by hand, and how their hypotheses are examined in the tests."""

from pathlib import Path

import torch

from checker.clock import Clock
from checker.declaration import read_theorem
from checker.necessity.use import hypothesis_use
from checker.reading import load
from checker.records import HypothesisUse
from checker.request import Request
from checker.theorem import Theorem

HEAD = """
format = 1
[theorem]
id = "sample"
title = "A sample"
setting = "SETTING"
kind = "deterministic"
[theorem.source]
fidelity = "derived"
[dynamics]
algorithm = "ALGORITHM"
"""


def theorem(body: str, setting: str = "least-squares", algorithm: str = "none") -> Theorem:
    """A theorem with these tables."""
    head = HEAD.replace("SETTING", setting).replace("ALGORITHM", algorithm)
    return read_theorem(head + body, "sample.theorem.toml")


def changed(name: str, old: str, new: str) -> Theorem:
    """A built-in theorem with one text in its file replaced."""
    text = load(name).text
    assert old in text
    return read_theorem(text.replace(old, new), f"{name}.theorem.toml")


def examined(
    about: Theorem, *, clock: Clock | None = None, folder: Path | None = None, passed_over: str = ""
) -> dict[str, HypothesisUse]:
    """What is found of each hypothesis, by name; without a clock, with no limit."""
    torch.set_num_threads(1)
    found = hypothesis_use(
        about, Request(), clock or Clock(0), steps=60, passed_over=passed_over, folder=folder,
        progress=lambda _: None,
    )  # fmt: skip
    return {use.name: use for use in found}
