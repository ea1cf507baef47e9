"""Tensors that pretend to lie on another device, with their numbers: code that mixes devices fails with them.

They say that they are on `meta`, and compute on the CPU. What takes one of them together with an ordinary
tensor of the CPU, other than a single number, or asks for its numpy array without `.cpu()`, fails, as on
a GPU; what reads a number waits for the device there, which `Elsewhere.waits` counts here.
"""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = torch.device("meta")


class Pretended(torch.Tensor):
    """A tensor whose numbers are those of `inner`, on the CPU."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "Pretended":
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), dtype=inner.dtype, device=DEVICE,
            storage_offset=inner.storage_offset(),
        )  # fmt: skip

    def __init__(self, inner: torch.Tensor) -> None:
        self.inner = inner

    def __repr__(self, **_: Any) -> str:
        return f"Pretended({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


class Elsewhere(TorchDispatchMode):
    """Under this, tensors are made on the pretended device where that is asked for."""

    waits = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


def there(tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the pretended device."""
    return Pretended(tensor.clone())


def _computed(func: Any, args: Any, kwargs: Any) -> Any:
    found: list[torch.Tensor] = []
    tree_map(lambda value: found.append(value) if isinstance(value, torch.Tensor) else None, (args, kwargs))
    pretended = [value for value in found if isinstance(value, Pretended)]
    moved = func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
    if pretended and not moved:
        stray = [value for value in found if not isinstance(value, Pretended) and value.ndim > 0]
        if stray:
            raise RuntimeError(f"{func}: tensors of two devices")
    device = kwargs.get("device")
    wanted = torch.device(device).type if device is not None else None
    read = func is torch.ops.aten._local_scalar_dense.default or (moved and wanted == "cpu")
    Elsewhere.waits += bool(pretended) and read
    if wanted == DEVICE.type:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    inner = lambda value: value.inner if isinstance(value, Pretended) else value  # noqa: E731
    out = func(*tree_map(inner, args), **tree_map(inner, kwargs))
    if wanted == "cpu" or (wanted is None and not pretended):
        return out
    if func is torch.ops.aten.copy_.default:
        return args[0]
    known = {id(value.inner): value for value in pretended}

    def outer(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        same = known.get(id(value))
        return Pretended(value) if same is None else same

    return tree_map(outer, out)
