"""The flow charts of a procedure, drawn from the workflow really in force: one for the public, one in full."""

from __future__ import annotations

from collections.abc import Mapping

from yishenqing.core.workflow import Workflow
from yishenqing.diagram import drawing, flowchart, layout, public_layout

__all__ = ["has_public", "mermaid", "public_mermaid", "public_svg", "svg"]


def svg(workflow: Workflow, periods: Mapping[str, str] | None = None) -> str:
    """Return the full chart as one self-contained SVG 1.1 text; the same workflow gives the same bytes.

    ``periods`` says how long a clock runs, by the clock's name (``{"reply": "20个工作日"}``); a clock without one
    is shown by its title alone. The workflow must be one without faults.
    """
    return drawing.draw(layout.lay_out(workflow, periods or {}))


def mermaid(workflow: Workflow, periods: Mapping[str, str] | None = None) -> str:
    """Return the full chart as a Mermaid flowchart, for pages and papers that draw it themselves."""
    return flowchart.write(workflow, periods or {})


def has_public(workflow: Workflow) -> bool:
    """Tell whether the procedure shows any step to the public."""
    return any(step.public for step in workflow.steps.values())


def public_svg(
    workflow: Workflow, periods: Mapping[str, str] | None = None, remedies: Mapping[str, str] | None = None
) -> str:
    """Return the chart for the public, on one page, as ``svg`` does; ``remedies`` are their titles by name."""
    return drawing.draw(public_layout.lay_out(workflow, periods or {}, remedies or {}))


def public_mermaid(
    workflow: Workflow, periods: Mapping[str, str] | None = None, remedies: Mapping[str, str] | None = None
) -> str:
    """Return the chart for the public as a Mermaid flowchart."""
    return flowchart.write_public(workflow, periods or {}, remedies or {})
