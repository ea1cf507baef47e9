"""What a benchmark leaves behind: a table of 80 columns, and a JSON file that names the machine."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("numpy", "scipy", "python-flint", "mpmath", "torch", "torchdeq", "jax")


def machine() -> dict[str, object]:
    """CPU, cores, threads that were asked for, and versions; no names of hosts, users or files."""
    threads = {name: os.environ[name] for name in _THREADS if name in os.environ}
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
        "threads": threads,
    }


_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def write(name: str, rows: Sequence[Any], *, folder: Path = RESULTS) -> Path:
    """Write the rows, dataclasses, to NAME.json: first beside it, then moved there in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    path, draft = folder / f"{name}.json", folder / f".{name}.json.{os.getpid()}"
    content = {"subject": name, "machine": machine(), "rows": [asdict(row) for row in rows]}
    draft.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(path)
    return path


def table(columns: Sequence[str], rows: Sequence[Any]) -> list[str]:
    """The named fields of the rows, right-aligned; '-' where nothing was measured."""
    lines = [list(columns)] + [[_cell(getattr(row, name)) for name in columns] for row in rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(columns))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    if value == 0.0 or 0.01 <= abs(value) < 10000:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return f"{value:.1e}"
