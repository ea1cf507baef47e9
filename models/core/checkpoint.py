"""The state of a chunk in a file, from which training goes on to the same bits."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.core.descent import Chunk
from models.core.log import Log
from models.core.norms import Tracked
from models.core.picard import Known
from models.core.recording import Anchor, Recorder
from models.trajectory import Record, load_arrays, save_arrays

Arrays = dict[str, NDArray[np.generic]]


def fingerprint(chunk: Chunk, steps: int, record: Record | None) -> str:
    """A digest of everything that the run of a chunk follows from."""
    digest = hashlib.sha256()
    words = (chunk.network.setting, chunk.activation.name, chunk.kink, chunk.trains, chunk.options, record)
    digest.update(repr((*words, torch.__version__)).encode())
    weight = [] if chunk.weight is None else [chunk.weight]
    for tensor in (*chunk.params.values(), chunk.inputs, chunk.y, chunk.eta, *weight):
        digest.update(repr(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    del steps  # a longer run may go on from a shorter one's state; its rows are written anew
    return digest.hexdigest()


@dataclass(frozen=True)
class Keeper:
    """Keeps one chunk's state at `path` every `every` steps."""

    path: Path
    every: int
    digest: str

    def save(self, tau: int, chunk: Chunk, recorder: Recorder | None, log: Log) -> None:
        """Write the state before step tau is solved."""
        arrays: Arrays = {
            "digest": np.asarray(self.digest), "tau": np.asarray(tau), "ids": chunk.ids,
            "due": np.stack([chunk.equilibria.known.due, chunk.adjoints.known.due]),
            "rate": np.stack([chunk.equilibria.known.rate, chunk.adjoints.known.rate]),
            "log.steps": log.steps, "log.lost_at": log.lost_at, "log.left_at": log.left_at,
        }  # fmt: skip
        arrays |= _numbered("T", chunk.equilibria.values) | _numbered("V", chunk.adjoints.values)
        arrays |= {f"param.{name}": _array(value) for name, value in chunk.params.items()}
        arrays |= {f"value.{name}": value for name, value in log.values.items()}
        if recorder is not None:
            arrays["looks"] = np.asarray(recorder.looks)
            for name, anchor in recorder.anchors.items():
                parts = {"upper": anchor.upper, **anchor.tracked._asdict()}
                parts |= {} if anchor.at is None else {"at": anchor.at}
                arrays |= {f"anchor.{name}.{part}": _array(value) for part, value in parts.items()}
        save_arrays(self.path, arrays)

    def resume(self, chunk: Chunk, recorder: Recorder | None, log: Log) -> int:
        """Put the kept state in place and return the step it stands before; 0 where none is kept.

        ValueError where what is kept comes from other inputs.
        """
        if not self.path.exists():
            return 0
        found = load_arrays(self.path)
        if str(found.get("digest")) != self.digest or not np.array_equal(found["log.steps"], log.steps):
            raise ValueError(
                f"{self.path.name}: the checkpoint is of another run; remove it or choose another folder"
            )
        mask = np.isin(chunk.ids, found["ids"])
        if recorder is not None:
            recorder.keep(mask)
            recorder.looks = int(found["looks"])
            for name in {key.split(".")[1] for key in found if key.startswith("anchor.")}:
                prefix = f"anchor.{name}."
                parts = {
                    key.removeprefix(prefix): _tensor(value, chunk.y)
                    for key, value in found.items()
                    if key.startswith(prefix)
                }
                tracked = Tracked(parts["image"], parts["top"])
                recorder.anchors[name] = Anchor(parts.get("at"), parts["upper"], tracked)
        chunk.keep(mask)
        chunk.params = {name: _tensor(found[f"param.{name}"], chunk.y) for name in chunk.params}
        for side, prefix, due, rate in zip(
            (chunk.equilibria, chunk.adjoints), "TV", found["due"], found["rate"], strict=True
        ):
            count = sum(key.startswith(f"{prefix}.") for key in found)
            side.values = [_tensor(found[f"{prefix}.{k}"], chunk.y) for k in range(count)]
            side.known = Known(due.astype(np.int64), rate.astype(np.float64))
        log.lost_at[:], log.left_at[:] = found["log.lost_at"], found["log.left_at"]
        log.values |= {k.removeprefix("value."): v.copy() for k, v in found.items() if k.startswith("value.")}  # type: ignore[misc]
        return int(found["tau"])


def _numbered(prefix: str, tensors: list[Tensor]) -> Arrays:
    return {f"{prefix}.{k}": _array(value) for k, value in enumerate(tensors)}


def _array(value: Tensor) -> NDArray[np.generic]:
    return value.detach().cpu().numpy()


def _tensor(value: NDArray[np.generic], like: Tensor) -> Tensor:
    return torch.from_numpy(np.array(value)).to(like.device)
