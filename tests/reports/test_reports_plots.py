"""Plots: the same bytes for the same view, in any order, and readable alone."""

import math
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from report_samples import AUDITS, SUPPORTED

from checker.records import ConclusionRecord, Curve, Simulation
from reports.curves import plots
from reports.plots import data_uri, figure_svg
from reports.view import Line, Plot


def _plot(*lines: Line) -> Plot:
    return Plot("loss", "title", "alt", "step", "loss", lines)


def test_a_figure_is_the_same_bytes_whatever_was_drawn_before():
    """
    Drawing in another order, and other settings of matplotlib, change nothing.
    """
    first, second = plots(SUPPORTED.simulation)
    before = figure_svg(first)

    figure_svg(second)
    with mpl.rc_context({"lines.linewidth": 9, "svg.hashsalt": "other", "font.size": 30}):
        after = figure_svg(first)

    assert before == after
    assert "<dc:date>" not in before


def test_a_figure_leaves_the_settings_of_matplotlib_alone():
    """
    A notebook's own plots look as before.
    """
    before = dict(mpl.rcParams)

    figure_svg(_plot(Line("worst", "worst run", (0.0, 1.0), (1.0, 0.5))))

    assert before == dict(mpl.rcParams)


@pytest.mark.parametrize(
    "values",
    [
        (),
        (None,),
        (0.0,),
        (1.0,),
        (math.nan, math.inf),
        (-1.0, 1.0),
        (1e-300, 1e300),
        (1.0, None, 0.0, 2.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("role", ["band", "worst", "predicted"])
def test_any_values_can_be_drawn(values: tuple[float | None, ...], role: str):
    """
    Empty, unknown, infinite, negative and extreme values make a figure, not an error.
    """
    times = tuple(float(k) for k in range(len(values)))

    svg = figure_svg(_plot(Line(role, "a run", times, values)))

    assert ElementTree.fromstring(svg).tag.endswith("svg")  # noqa: S314 - our own text


def test_a_figure_loads_nothing():
    """
    A figure refers to nothing outside itself.
    """
    for plot in plots(SUPPORTED.simulation):
        root = ElementTree.fromstring(figure_svg(plot))  # noqa: S314 - our own text
        links = [value for node in root.iter() for key, value in node.attrib.items() if key.endswith("href")]

        assert all(link.startswith("#") for link in links)
        assert not any(node.tag.endswith(("script", "image", "style}import")) for node in root.iter())
        assert data_uri(plot).startswith("data:image/svg+xml;base64,")


def test_the_loss_comes_first_with_every_run_and_its_prediction():
    """
    The first figure has a line for each run, the worst run and the prediction; the others have two sides.
    """
    first, second = plots(SUPPORTED.simulation)

    assert [line.role for line in first.lines] == ["band"] * 32 + ["worst", "predicted"]
    assert [line.label for line in first.lines[:2]] == ["the first 32 of 34 runs", ""]
    assert first.lines[-2].label == "worst run (seed 17)"
    assert [line.role for line in second.lines] == ["worst", "predicted"]
    assert second.title == "descent: next(loss) <= loss"


def test_lower_bounds_are_called_lower_bounds():
    """
    For a claim with >= the dashed line is below.
    """
    record = ConclusionRecord("gram", "lambda_min(G) >= lambda_0/2", "holds", "sample", 0.1, None)
    simulation = Simulation(
        1, 1, 1, 0, (record,), curves=(Curve("gram", ">=", (0.0, 1.0), (1.0, 0.9), (0.5, 0.5)),)
    )

    (plot,) = plots(simulation)

    assert [line.label for line in plot.lines] == ["worst run", "predicted (lower bound)"]


def test_losses_without_a_prediction_are_drawn_alone():
    """
    Where no conclusion is about the loss, the band stands by itself.
    """
    (plot,) = plots(Simulation(1, 2, 1, 0, (), losses=((3.0, 2.0, 1.0),)))

    assert (plot.key, plot.lines[0].times) == ("loss", (0.0, 1.0, 2.0))
    assert plot.lines[0].label == "the run"


def test_the_losses_of_all_runs_are_called_so():
    """
    Where every run's loss was kept, the legend says how many there are.
    """
    (plot,) = plots(Simulation(2, 2, 1, 0, (), losses=((3.0, 2.0), (2.0, 1.0))))

    assert plot.lines[0].label == "all 2 runs"
    assert plot.alt == "Loss over the steps: all 2 runs as a faint band."


def test_no_runs_make_no_figure():
    """
    An audit without runs has no plots.
    """
    assert plots(AUDITS["empty"].simulation) == ()
