"""The deep equilibrium model as a module for torch users."""

import json
import math
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Self, final

import torch
from torch import Tensor

from models.implicit import FLOATS, NotConverged, adjoint, check_activation, equilibrium

_S_W = 0.1  # the scale of W in `deqaudit check`
_METADATA = "deqaudit.DEQ"  # one key: the order of several in a safetensors file is not fixed


@final
class DEQ(torch.nn.Module):
    """The deep equilibrium model yhat = T' a, T = phi(W T + U X), with the parameters W, U and a.

    Drawn independently with mean 0: W with variance 2 s_w^2 / m, s_w = 0.1, and U with variance 2 / d as
    `deqaudit check` has them; a with variance 1 / m, so that W and U move from the first step (the
    command's a is 0). Without `readout` there is no a and the layer gives T. `m` is the width, `d` the
    dimension of a sample. Training may leave the region where equilibria exist: then NotConverged is raised.
    """

    W: torch.nn.Parameter
    U: torch.nn.Parameter
    a: torch.nn.Parameter | None

    def __init__(
        self,
        m: int,
        d: int,
        activation: str = "relu",
        *,
        kink: float = 0.0,
        readout: bool = True,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_activation(activation, kink)
        if min(m, d) < 1 or dtype not in FLOATS:
            raise ValueError(f"a width, a dimension and a float type are needed, not {m}, {d} and {dtype}")
        self.m, self.d, self.activation, self.kink = m, d, activation, float(kink)
        for name, shape, variance in (
            ("W", (m, m), 2 * _S_W**2 / m),
            ("U", (m, d), 2 / d),
            ("a", (m,), 1 / m),
        ):
            drawn = torch.empty(shape, dtype=dtype, device=device)
            drawn.normal_(0.0, math.sqrt(variance), generator=generator)
            self.register_parameter(name, torch.nn.Parameter(drawn) if readout or name != "a" else None)

    def forward(self, X: Tensor) -> Tensor:
        """yhat (n) for samples X (d, n), (B, n) for X (B, d, n); without readout T, (m, n) or (B, m, n)."""
        if X.ndim not in (2, 3) or X.shape[-2] != self.d or X.dtype != self.W.dtype:
            wanted = f"({self.d}, n) or (B, {self.d}, n), {self.W.dtype}"
            raise ValueError(f"X is {tuple(X.shape)}, {X.dtype}; it must be {wanted}")
        W, C = self.W.to(torch.float64), self.U.to(torch.float64) @ X.to(torch.float64)
        T = equilibrium(W, C, self.activation, kink=self.kink)
        return (T if self.a is None else self.a.to(torch.float64) @ T).to(X.dtype)

    def extra_repr(self) -> str:
        sizes = f"m={self.m}, d={self.d}, activation={self.activation}, kink={self.kink}"
        return f"{sizes}, readout={self.a is not None}"

    def save(self, path: str | Path) -> None:
        """Write parameters, activation and kink as safetensors; needs the package safetensors."""
        tensors = {name: value.detach().contiguous() for name, value in self.named_parameters()}
        about = json.dumps({"activation": self.activation, "kink": self.kink}, sort_keys=True)
        _safetensors().torch.save_file(tensors, str(path), {_METADATA: about})

    @classmethod
    def load(cls, path: str | Path, *, device: torch.device | str = "cpu") -> Self:
        """Read what `save` wrote; ValueError for a file of anything else."""
        safetensors = _safetensors()
        try:
            with safetensors.safe_open(str(path), framework="pt", device=str(device)) as file:
                about = json.loads((file.metadata() or {})[_METADATA])
                tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            (m, d), dtype, readout = tensors["U"].shape, tensors["U"].dtype, "a" in tensors
            if {value.dtype for value in tensors.values()} != {dtype}:
                raise TypeError("its parameters are of several types")
            name, kink = about["activation"], about["kink"]
            layer = cls(m, d, name, kink=kink, readout=readout, dtype=dtype, device="meta")
            layer.load_state_dict(tensors, assign=True)
        except (safetensors.SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{path} is not a saved DEQ: {error}") from error
        return layer


def _safetensors() -> ModuleType:
    try:
        import_module("safetensors.torch")  # from here on an attribute of the package
        return import_module("safetensors")
    except ImportError as error:
        raise ImportError("saved layers need safetensors: pip install 'deqaudit[safetensors]'") from error


__all__ = ["DEQ", "NotConverged", "adjoint", "equilibrium"]
