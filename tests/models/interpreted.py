"""Runs the Triton kernels in Triton's interpreter: python -m tests.models.interpreted FOLDER.

FOLDER holds NAME.npz with M, C, a and phi, tolerance, cap; what was found is written to NAME.found.npz.
`descent.npz` is a problem that is trained with replayed steps.
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch


def solved(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Two equilibrium solves, the second from where the first one ended, and the adjoint."""
    from models.activations import ACTIVATIONS
    from models.core.fused import Solver

    M, C, a = (torch.from_numpy(given[name]) for name in ("M", "C", "a"))
    phi = str(given["phi"])
    solver = Solver(C, phi, float(given["tolerance"]), int(given["cap"]))
    T, again, V = (torch.empty_like(C) for _ in range(3))
    changes = [solver.equilibrium(M, C, torch.zeros_like(C), T)]
    slope = ACTIVATIONS[phi].dphi(M @ T + C, 0.0)
    changes.append(solver.adjoint(M, slope, a, torch.zeros_like(C), V))
    counts = solver.iterations().numpy().copy()
    solver.equilibrium(M, C, T, again)
    return {
        "T": T.numpy(), "V": V.numpy(), "again": again.numpy(), "changes": torch.stack(changes).numpy(),
        "counts": counts, "second": solver.iterations().numpy()[0],
    }  # fmt: skip


def trained(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters after some steps that are replayed with kernels."""
    import models.descent
    from models.core.gpu import kernels_of, no_kernels
    from models.core.graph import Replay, plain
    from models.settings import Problem

    made = []

    def replay(chunk, _engine):
        assert no_kernels(chunk, 64) == ""
        made.append(Replay(chunk, plain, kernels_of))
        return made[-1]

    models.descent.replay_for = replay
    X, y, eta, W, U, a = (torch.from_numpy(given[name]) for name in ("X", "y", "eta", "W", "U", "a"))
    problem = Problem("deq", X, y, str(given["phi"]), 0.0, ("W", "U", "a"))
    found = models.descent.descend(
        problem, {"W": W, "U": U, "a": a}, eta, int(given["steps"]),
        record=models.descent.Record(every=5), unconverged="keep",
    )  # fmt: skip
    return {
        **found.params, "lost_at": found.lost_at,
        "replayed": np.asarray([replay.replayed for replay in made]),
        "iterations": found.values["iterations"], "loss": found.values["loss"],
    }  # fmt: skip


def main(folder: Path) -> None:
    """The command."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            given = {name: file[name] for name in file.files}
        found = trained(given) if path.stem == "descent" else solved(given)
        np.savez(path.with_suffix(".found.npz"), **found)


if __name__ == "__main__":
    os.environ["TRITON_INTERPRET"] = "1"
    torch.set_num_threads(1)
    np.seterr(all="ignore")
    main(Path(sys.argv[1]))
