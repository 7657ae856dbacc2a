"""The flow chart of a procedure as the public sees it, drawn from the workflow that is really in force."""

from __future__ import annotations

from collections.abc import Mapping

from yishenqing.core.workflow import Workflow
from yishenqing.diagram import drawing, flowchart, layout

__all__ = ["mermaid", "svg"]


def svg(workflow: Workflow, periods: Mapping[str, str] | None = None) -> str:
    """Return the chart as one self-contained SVG 1.1 text; the same workflow gives the same bytes.

    ``periods`` says how long a clock runs, by the clock's name (``{"reply": "20个工作日"}``); a clock without one
    is shown by its title alone. The workflow must be one without faults.
    """
    return drawing.draw(layout.lay_out(workflow, periods or {}))


def mermaid(workflow: Workflow, periods: Mapping[str, str] | None = None) -> str:
    """Return the chart as a Mermaid flowchart, for pages and papers that draw it themselves."""
    return flowchart.write(workflow, periods or {})
