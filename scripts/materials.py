"""The bill of materials (SBOM, CycloneDX 1.6 JSON) of the installed program: what it is made of, in which version."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

PROGRAM = "yishenqing"
_CLASSIFIER = "License :: "


def licence(found: Distribution) -> str:
    """Return the licence that a distribution names; empty where it names none."""
    told = found.metadata
    for name in ("License-Expression", "License"):
        text = str(told.get(name) or "").strip()
        if text and "\n" not in text and text.upper() != "UNKNOWN":
            return text
    named = [c.rpartition(" :: ")[2] for c in told.get_all("Classifier") or [] if c.startswith(_CLASSIFIER)]
    return " / ".join(named)


def needed(found: Distribution, extras: tuple[str, ...]) -> Iterator[Requirement]:
    """Yield what a distribution needs on this machine, with these extras."""
    for line in found.requires or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def installed(name: str = PROGRAM, extras: tuple[str, ...] = ("postgresql", "sign")) -> dict[str, Distribution]:
    """Return the distribution ``name`` and everything that it is made of, as installed, by name.

    What an extra names and nobody installed is left out: it is not there.
    """
    found: dict[str, Distribution] = {}
    waiting = [(name, extras)]
    while waiting:
        wanted, with_extras = waiting.pop()
        key = re.sub(r"[-_.]+", "-", wanted).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(wanted)
        except PackageNotFoundError:
            continue
        waiting += [(r.name, tuple(r.extras)) for r in needed(found[key], with_extras)]
    return found


def bill() -> str:
    """Return the bill of materials as JSON."""
    parts = installed()
    made = {key: _component(key, part) for key, part in sorted(parts.items())}
    bom = Bom(components=[made[key] for key in made if key != PROGRAM])
    bom.metadata.component = made[PROGRAM]
    for key, part in parts.items():
        extras = ("postgresql", "sign") if key == PROGRAM else ()
        on = {re.sub(r"[-_.]+", "-", r.name).lower() for r in needed(part, extras)}
        bom.register_dependency(made[key], [made[name] for name in sorted(on) if name in made])
    return JsonV1Dot6(bom).output_as_string(indent=1)


def _component(key: str, found: Distribution) -> Component:
    named = licence(found)
    return Component(
        name=found.metadata["Name"],
        version=found.version,
        type=ComponentType.APPLICATION if key == PROGRAM else ComponentType.LIBRARY,
        purl=PackageURL("pypi", name=key, version=found.version),
        bom_ref=key,
        licenses=[LicenseFactory().make_from_string(named)] if named else [],
    )


if __name__ == "__main__":
    target = Path(sys.argv[1] if sys.argv[1:] else "sbom.cdx.json")
    target.write_text(bill() + "\n", encoding="utf-8")
    print(f"物料清单（CycloneDX）：{target}，{len(installed())}个组成部分")
