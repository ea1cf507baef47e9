"""Reports as one self-contained page: no scripts, no network, no fonts to fetch; plots as data-URI images."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.mathml import is_safe_mathml
from reports.plots import data_uri
from reports.view import ReportView


def _math(text: str) -> Markup | None:
    """MathML that may stand unescaped, or None."""
    return Markup(text) if is_safe_mathml(text) else None  # noqa: S704 - checked tag by tag just before


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(template: str, view: ReportView) -> str:
    return _environment().get_template(template).render(view=view, math=_math, data_uri=data_uri)


def to_html(view: ReportView) -> str:
    """The whole page."""
    return _render("report.html", view)


def to_fragment(view: ReportView) -> str:
    """The report as one `<div>` with its styles, for pages of others such as notebooks."""
    return _render("fragment.html", view)
