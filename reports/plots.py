"""Plots as SVG: the same bytes for the same view. No pyplot, no global state, no date, no random ids."""

import io
import math
from base64 import b64encode

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.view import Line, Plot

_STYLE: dict[str, object] = {
    "svg.hashsalt": "deqaudit",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#6b7280",
    "axes.labelcolor": "#1f2937",
    "xtick.color": "#4b5563",
    "ytick.color": "#4b5563",
    "path.simplify": True,
    "path.simplify_threshold": 0.4,
}
_FAR = 1e120
"""What lies beyond is not drawn: matplotlib's own arithmetic overflows there."""
_BAND, _WORST, _PREDICTED = "#7c8aa5", "#b42318", "#111827"
_SERIES = ("#1d4ed8", "#b45309", "#047857", "#7c3aed", "#be185d", "#0e7490", "#4d7c0f", "#374151")
_MARKS = "os^Dv<>P"


def _numbers(line: Line, log: bool) -> tuple[list[float], list[float]]:
    """The points that can be drawn; a gap (nan) where nothing is known, or it is off any scale."""
    low, high = (1 / _FAR, _FAR) if log else (-_FAR, _FAR)
    values = [v if v is not None and low <= v <= high else math.nan for v in line.values]
    return [float(t) for t in line.times], values


def _is_log(plot: Plot) -> bool:
    known = [v for line in plot.lines for v in line.values if v is not None and math.isfinite(v)]
    return any(v > 0 for v in known) and all(v >= 0 for v in known)


def _whole(plot: Plot) -> bool:
    return all(float(time).is_integer() for line in plot.lines for time in line.times)


def _draw_band(axes: Axes, lines: list[Line], log: bool) -> None:
    drawn = [_numbers(line, log) for line in lines]
    for index, (times, values) in enumerate(drawn):
        label = lines[0].label or None if index == 0 else None
        axes.plot(times, values, color=_BAND, alpha=0.35, linewidth=0.8, label=label)
    by_time: dict[float, list[float]] = {}
    for times, values in drawn:
        for time, value in zip(times, values, strict=True):
            if math.isfinite(value):
                by_time.setdefault(time, []).append(value)
    grid = sorted(by_time)
    low, high = [min(by_time[t]) for t in grid], [max(by_time[t]) for t in grid]
    axes.fill_between(grid, low, high, color=_BAND, alpha=0.14, linewidth=0)


def _draw_side(axes: Axes, line: Line, log: bool) -> None:
    times, values = _numbers(line, log)
    worst = line.role == "worst"
    axes.plot(
        times, values,
        color=_WORST if worst else _PREDICTED,
        linestyle="-" if worst else (0, (5, 3)),
        linewidth=1.7 if worst else 1.4,
        label=line.label,
        zorder=3 if worst else 4,
        marker="o" if len(times) < 3 else "",
        markersize=4.0,
    )  # fmt: skip


def _draw_series(axes: Axes, lines: list[Line], log: bool) -> None:
    """Several lines of one kind, told apart by colour and mark; a rule where the factor is 1."""
    for index, line in enumerate(lines):
        times, values = _numbers(line, log)
        style = index % len(_SERIES)
        axes.plot(times, values, color=_SERIES[style], marker=_MARKS[style], markersize=4, label=line.label)
    if lines:
        axes.set_xscale("log", base=2)
        axes.axhline(1.0, color=_PREDICTED, linewidth=0.8, linestyle=(0, (5, 3)))


def _mark_closest(axes: Axes, plot: Plot, log: bool) -> None:
    """A ring where the worst run comes closest to the prediction, or crosses it furthest."""
    sides = {line.role: _numbers(line, log) for line in plot.lines if line.role != "band"}
    if not log or set(sides) != {"worst", "predicted"}:
        return
    lower = any("lower" in line.label for line in plot.lines)
    (times, worst), (_, bound) = sides["worst"], sides["predicted"]
    gaps = [
        (math.log(b / w) * (-1 if lower else 1), t, w)
        for t, w, b in zip(times, worst, bound, strict=False)
        if w > 0 and b > 0
    ]
    if gaps:
        _, time, value = min(gaps)
        axes.plot([time], [value], marker="o", markersize=8, fillstyle="none", color=_WORST, linestyle="none")


def figure_svg(plot: Plot) -> str:
    """One figure as SVG text."""
    log = _is_log(plot)
    size = (6.2, 3.3) if plot.key == "loss" else (4.8, 3.0)
    with mpl.rc_context(_STYLE):  # pyright: ignore[reportArgumentType]
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        band = [line for line in plot.lines if line.role == "band"]
        if log:
            axes.set_yscale("log")
        if band:
            _draw_band(axes, band, log)
        series = [line for line in plot.lines if line.role == "series"]
        _draw_series(axes, series, log)
        for line in plot.lines:
            if line.role not in {"band", "series"}:
                _draw_side(axes, line, log)
        _mark_closest(axes, plot, log)
        axes.set_xlabel(plot.x_label)
        axes.set_ylabel(plot.y_label + (" (log scale)" if log else ""))
        axes.grid(visible=True, color="#e5e7eb", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.margins(x=0.02)
        if not series:
            axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=_whole(plot)))
        if plot.lines:
            axes.legend(frameon=False, fontsize=8.5, loc="best")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue()


def data_uri(plot: Plot) -> str:
    """One figure as the source of an image: its ids cannot clash with another's."""
    return "data:image/svg+xml;base64," + b64encode(figure_svg(plot).encode()).decode()
