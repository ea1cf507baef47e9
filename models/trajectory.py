"""What a training run leaves behind, for a batch of runs; kept as npz without pickle."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAMES = ("loss", "residual", "grad_norm", "norm2", "lambda_min", "distance")
"""What can be recorded; norm2 is recorded for every parameter."""


@dataclass(frozen=True)
class Record:
    """What to record: every `every`-th step and the last, the quantities `names`.

    `bound_every`: at every so many-th record the norms are bounded anew; between, the bound grows by the
    distance from there, or where every step is recorded by the lengths of the steps. ValueError for unknown
    names or intervals below 1.
    """

    every: int = 1
    names: tuple[str, ...] = NAMES
    bound_every: int = 50

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in NAMES]
        if unknown:
            raise ValueError(f"record: {unknown[0]} is unknown; write some of {', '.join(NAMES)}")
        if self.every < 1 or self.bound_every < 1:
            raise ValueError("record: every and bound_every must be at least 1")


@dataclass(frozen=True)
class Trajectory:
    """Recorded quantities of B runs at K steps.

    `steps` (K,); `values` by name, (K, B), NaN from where a run was lost: `loss`, `residual` = |yhat - y|,
    `grad_norm` over the trained parameters, `distance` = |P - P(0)| over them, `lambda_min` of G = T'T,
    and for every parameter P `norm2_P`, a lower estimate, and `norm2_P_upper`, a bound; besides, always,
    `iterations` and `adjoint_iterations` in float64, `sweeps` and `adjoint_sweeps` in float32, `change`, the
    last change of the equilibrium iteration in the Frobenius norm, and `error_bound`, at least the Frobenius
    distance to the exact equilibrium (inf where L*norm2 < 1 is not known).

    `params` are the parameters after the last step, NaN for lost runs. `lost_at` (B,) is the step at which a
    run's equilibrium or adjoint did not converge, `left_at` (B,) the first recorded step with
    L*norm2 >= 1, where the contraction argument for well-posedness ends; -1 for never.
    """

    steps: Ints
    values: Mapping[str, Floats]
    params: Mapping[str, Floats]
    lost_at: Ints
    left_at: Ints

    @property
    def finished(self) -> NDArray[np.bool_]:
        """(B,): which runs made every step."""
        return self.lost_at < 0

    def save(self, path: Path | str) -> None:
        """Write an npz file, whole or not at all. The same trajectory gives the same bytes."""
        save_arrays(Path(path), self._arrays())

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        out: dict[str, NDArray[np.generic]] = {
            "steps": self.steps, "lost_at": self.lost_at, "left_at": self.left_at
        }  # fmt: skip
        out |= {f"value.{name}": value for name, value in self.values.items()}
        return out | {f"param.{name}": value for name, value in self.params.items()}


def load_trajectory(path: Path | str) -> Trajectory:
    """Read what `Trajectory.save` wrote. ValueError where the file holds something else."""
    path = Path(path)
    arrays = load_arrays(path)
    try:
        steps, lost_at, left_at = (arrays[name].astype(np.int64) for name in ("steps", "lost_at", "left_at"))
    except KeyError as missing:
        raise ValueError(f"{path.name}: is no trajectory: {missing} is missing") from None
    return Trajectory(steps, _under("value.", arrays), _under("param.", arrays), lost_at, left_at)


def _under(prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Floats]:
    return {k.removeprefix(prefix): v.astype(np.float64) for k, v in arrays.items() if k.startswith(prefix)}


def save_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays as npz beside the path, flush, and move it there."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of an npz file; nothing in it is unpickled. ValueError where it is none."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, EOFError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{path.name}: cannot be read as npz: {error}") from None
    except Exception as error:  # zipfile.BadZipFile, zlib.error: a damaged file
        raise ValueError(f"{path.name}: is damaged: {error}") from None
