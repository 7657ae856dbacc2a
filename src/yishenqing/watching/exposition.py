"""Figures in the text format of Prometheus, which every monitor reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from prometheus_client import Metric


class Figure(Struct, frozen=True):
    """One figure: its name, what it says, and its values by label (the empty label: one value alone)."""

    name: str
    says: str
    values: Iterable[tuple[str, float]]
    label: str = ""
    counts_up: bool = False


def text(figures: Iterable[Figure]) -> str:
    """Return the figures as text."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Found(Collector):
        """Hands over what was found."""

        def collect(self) -> Iterator[Metric]:
            return (_metric(figure) for figure in figures)

        def describe(self) -> list[Metric]:
            return []

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Found())
    return generate_latest(registry).decode()


def _metric(figure: Figure) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    family = CounterMetricFamily if figure.counts_up else GaugeMetricFamily
    labels = [figure.label] if figure.label else []
    made = family(figure.name, figure.says, labels=labels)
    for value_of, value in figure.values:
        made.add_metric([value_of] if labels else [], value)
    return made
