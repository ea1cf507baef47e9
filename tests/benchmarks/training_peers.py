"""The same steps of gradient descent by other means, for the benchmark of training.

Every function takes a `Task` and makes `steps` steps P <- P - eta * grad_P of W, U and a at
T = phi(W T + U X), yhat = T'a, every equilibrium and adjoint solved until no run of the batch changes by
more than TOLERANCE in the Frobenius norm; it returns the parameters. TorchDEQ and JAX are imported when
they are first asked for.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from models.settings import Params

TOLERANCE = 1e-10
CAP = 500
_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
_PHI: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}


@dataclass(frozen=True)
class Task:
    """Runs to go on with: W (B, m, m), U (B, m, d) and a (B, m), X (B, d, n), y (B, n), eta (B,).

    `T` and `V` (B, m, n) are equilibria and adjoints of the step before, for peers that start from them.
    """

    activation: str
    params: Params
    X: Tensor
    y: Tensor
    eta: Tensor
    T: Tensor | None = None
    V: Tensor | None = None

    def run(self, index: int) -> "Task":
        """One run as a batch of one, from which nothing starts warm."""
        one = slice(index, index + 1)
        params = {name: value[one] for name, value in self.params.items()}
        return replace(
            self, params=params, X=self.X[one], y=self.y[one], eta=self.eta[one], T=None, V=None
        )  # fmt: skip


def require_torchdeq() -> None:
    """Ends the program with one line where TorchDEQ is not installed."""
    if find_spec("torchdeq") is None:
        raise SystemExit("training: torchdeq is not installed; write pip install 'deqaudit[bench]'")


def has_jax() -> bool:
    """Can the JAX peers run?"""
    return find_spec("jax") is not None


@lru_cache
def _deq() -> Callable[..., tuple[list[Tensor], object]]:
    from torchdeq import get_deq  # pyright: ignore[reportMissingImports]  # of the extra bench

    return get_deq(
        f_solver="fixed_point_iter", f_tol=TOLERANCE, f_max_iter=CAP, f_stop_mode="abs",
        b_solver="fixed_point_iter", b_tol=TOLERANCE, b_max_iter=CAP, b_stop_mode="abs", ift=True,
    )  # fmt: skip


def torchdeq(task: Task, steps: int, *, warm: bool = False) -> Params:
    """TorchDEQ on a map that its user has batched; `warm` starts a forward solve at the last equilibrium."""
    last = [task.T]

    def equilibrium(f: Callable[[Tensor], Tensor], zero: Tensor) -> Tensor:
        start = last[0] if warm and last[0] is not None else zero
        found = _deq()(f, start)[0][-1]
        last[0] = found.detach()
        return found

    return _by_autograd(task, steps, equilibrium)


def torchdeq_loop(task: Task, steps: int, runs: int) -> Params:
    """TorchDEQ run by run, for the first runs of the task."""
    found = [torchdeq(task.run(index), steps) for index in range(runs)]
    return {name: torch.cat([params[name] for params in found]) for name in task.params}


def unrolled(task: Task, steps: int, iterations: int) -> Params:
    """Autograd through so many iterations of the batch, from zero; right only if they are enough."""

    def equilibrium(f: Callable[[Tensor], Tensor], zero: Tensor) -> Tensor:
        for _ in range(iterations):
            zero = f(zero)
        return zero

    return _by_autograd(task, steps, equilibrium)


def _by_autograd(
    task: Task, steps: int, equilibrium: Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
) -> Params:
    phi = _PHI[task.activation]
    W, U, a = (task.params[name].clone().requires_grad_() for name in "WUa")
    for _ in range(steps):
        C = U @ task.X
        T = equilibrium(lambda z, C=C: phi(torch.baddbmm(C, W, z)), torch.zeros_like(C))
        yhat = (T * a.unsqueeze(-1)).sum(1)
        loss = ((yhat - task.y) ** 2).sum() / 2
        gradients = torch.autograd.grad(loss, (W, U, a))
        with torch.no_grad():
            for value, gradient in zip((W, U, a), gradients, strict=True):
                value -= task.eta.reshape(-1, *[1] * (value.ndim - 1)) * gradient
    return {name: value.detach() for name, value in zip("WUa", (W, U, a), strict=True)}


def jax_loop(task: Task, steps: int, *, warm: bool = False) -> Callable[[], Params]:
    """By hand in JAX: explicit adjoint, while loops over the whole batch inside one scan over the steps.

    The first call of what is returned compiles. `warm` starts every solve at its last solution, from T and V
    of the task on; otherwise every solve starts at zero.
    """
    jnp = jax_module().numpy
    zero = torch.zeros_like(task.params["U"] @ task.X)
    starts = (zero if t is None else t for t in (task.T, task.V))
    tensors = (*(task.params[name] for name in "WUa"), *starts, task.X, task.y, task.eta)
    arrays = [jnp.asarray(tensor.numpy()) for tensor in tensors]
    run = compiled(task.activation, steps, warm)

    def work() -> Params:
        found = run(*arrays)
        return {
            name: torch.from_numpy(value.__array__().copy()) for name, value in zip("WUa", found, strict=True)
        }

    return work


@lru_cache
def jax_module() -> ModuleType:
    """JAX in double precision, on one thread of a CPU."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_ONE_THREAD}".strip()
    import jax  # pyright: ignore[reportMissingImports]  # of the extra bench

    jax.config.update("jax_enable_x64", True)
    return jax


@lru_cache
def compiled(activation: str, steps: int, warm: bool) -> Callable[..., Any]:
    """The steps of `jax_loop`: takes W, U, a, T, V, X, y, eta, gives W, U, a; the first call compiles."""
    jax = jax_module()
    jnp, lax = jax.numpy, jax.lax
    phi = {"tanh": jnp.tanh, "relu": lambda z: jnp.maximum(z, 0)}[activation]
    slope = {"tanh": lambda T: 1 - T * T, "relu": lambda T: (T > 0).astype(T.dtype)}[activation]

    def solved(f: Callable[[Any], Any], start: Any) -> Any:
        def goes_on(state: Any) -> Any:
            return (state[1] > TOLERANCE) & (state[2] < CAP)

        def iterated(state: Any) -> Any:
            new = f(state[0])
            return new, jnp.sqrt(jnp.sum((new - state[0]) ** 2, (1, 2)).max()), state[2] + 1

        first = start if warm else jnp.zeros_like(start)
        return lax.while_loop(goes_on, iterated, (first, jnp.inf, 0))[0]

    def run(W: Any, U: Any, a: Any, T: Any, V: Any, X: Any, y: Any, eta: Any) -> Any:
        def step(state: Any, _: None) -> Any:
            W, U, a, last_T, last_V = state
            C = U @ X
            T = solved(lambda z: phi(W @ z + C), last_T)
            D, Wt = slope(T), W.mT
            V = solved(lambda v: D * (a[:, :, None] + Wt @ v), last_V)
            weights = (((T * a[:, :, None]).sum(1) - y) * eta[:, None])[:, None]
            moved = V * weights
            return (W - moved @ T.mT, U - moved @ X.mT, a - (T * weights).sum(-1), T, V), None

        return lax.scan(step, (W, U, a, T, V), None, length=steps)[0][:3]

    return jax.jit(run)
