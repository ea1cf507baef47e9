"""The population kernels K and K_NTK of a configuration whose start is Gaussian."""

from flint import arb_mat, fmpq

from checker.configuration import Configuration, exact, scalar
from checker.enclosure import Ball, Enclosure, to_arb
from checker.errors import NotEnclosed
from checker.kernels.population import population_gram, population_ntk
from checker.names import used_names
from checker.theorem import Theorem

NAMES = frozenset({"K", "K_NTK"})


def variance_of(theorem: Theorem, name: str, configuration: Configuration) -> Ball:
    """The entries' variance under the stated law; zero for zeros. The mean must be zero."""
    law = theorem.initialization.get(name)
    if law is None or law.law == "zeros":
        return fmpq(0)
    if law.law != "normal":
        raise NotEnclosed(f"the population kernel needs a Gaussian {name}")
    mean, variance = (scalar(node, configuration) for node in law.arguments)
    if not (isinstance(mean, fmpq) and mean == 0):
        raise NotEnclosed(f"the population kernel needs a centred {name}")
    return variance


def kernel_enclosures(theorem: Theorem, configuration: Configuration) -> dict[str, Enclosure]:
    """Enclosures of K and K_NTK where the theorem uses them, at the ambient precision."""
    wanted = NAMES & used_names(theorem)
    if not wanted or configuration.activation is None:
        return {}
    m = fmpq(configuration.sizes["m"])
    A = variance_of(theorem, "W", configuration) * m
    X = exact(configuration.arrays["X"], configuration)
    C: arb_mat = (X.transpose() * X) * to_arb(variance_of(theorem, "U", configuration))
    out: dict[str, Enclosure] = {}
    if "K" in wanted:
        out["K"] = population_gram(configuration.activation, A, C)
    if "K_NTK" in wanted:
        readout = variance_of(theorem, "a", configuration) * m
        out["K_NTK"] = population_ntk(configuration.activation, A, C, readout, configuration.trains)
    return out
