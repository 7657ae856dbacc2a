"""The bill of materials: made from what is installed, each part with version and licence; each need with a bound."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
ALL = [
    Requirement(line)
    for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in lines
]


def key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def materials() -> ModuleType:
    spec = importlib.util.spec_from_file_location("materials", ROOT / "scripts" / "materials.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["materials"] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def parts(materials: ModuleType) -> dict[str, Any]:
    """Return what a program is made of that has our needs: the installed metadata may be older than the file."""
    found: dict[str, Any] = {}
    for requirement in RUNTIME:
        found |= materials.installed(requirement.name, tuple(requirement.extras))
    return found


@pytest.mark.parametrize("requirement", ALL, ids=str)
def test_every_need_has_a_lower_bound(requirement: Requirement) -> None:
    assert any(s.operator in {">=", "==", "~="} for s in requirement.specifier), f"{requirement} 没有版本下限"


@pytest.mark.parametrize("requirement", RUNTIME, ids=str)
def test_every_need_is_met_and_has_a_licence(requirement: Requirement, materials: ModuleType) -> None:
    found = distribution(requirement.name)
    assert requirement.specifier.contains(found.version, prereleases=True)
    assert materials.licence(found), f"{requirement.name} 没有写明许可证"


def test_every_part_of_the_program_has_a_licence(parts: dict[str, Any], materials: ModuleType) -> None:
    assert len(parts) > len(RUNTIME)
    assert {name for name, part in parts.items() if not materials.licence(part)} == set()


def test_no_part_binds_the_whole_to_its_own_licence(parts: dict[str, Any], materials: ModuleType) -> None:
    """Apache-2.0 cannot be given away with code under the GPL or AGPL alone; the LGPL and the MPL let it."""
    strong = re.compile(r"(?<!L)(?<!Lesser )\b(A?GPL|GNU (Affero )?General Public)")
    choices = {name: re.split(" / | OR ", materials.licence(part)) for name, part in parts.items()}
    assert {name: told for name, told in choices.items() if all(strong.search(one) for one in told)} == {}


def test_the_bill_can_be_made_and_read(materials: ModuleType) -> None:
    try:
        distribution(materials.PROGRAM)
    except PackageNotFoundError:
        pytest.skip("yishenqing is not installed in this environment")
    bill = json.loads(materials.bill())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == materials.PROGRAM
    found = {part["bom-ref"]: part for part in bill["components"]}
    for requirement in map(Requirement, distribution(materials.PROGRAM).requires or []):
        if requirement.marker is None:
            part = found[key(requirement.name)]
            assert part["version"]
            assert part["purl"].startswith("pkg:pypi/")
            assert part["licenses"]
    assert {d["ref"] for d in bill["dependencies"]} >= set(found)
