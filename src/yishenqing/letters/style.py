"""How one office wants its letters to look: the format, whether they are sealed, its own fonts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

# What an office calls each role in its settings, and the role of the page that it stands for.
OWN_ROLES: Mapping[str, str] = {
    "body": "fangsong",
    "title": "title",
    "h1": "hei",
    "h2": "kai",
    "page": "song",
    "latin": "latin",
}


class Style(Struct, frozen=True):
    """The format of letters in prose (None leaves each template its own), the seal, and fonts by role."""

    format: Literal["letter", "plain"] | None = None
    seal: bool = True
    fonts: Mapping[str, Path] = field(default_factory=dict)  # by the names of OWN_ROLES

    @property
    def by_role(self) -> dict[str, Path]:
        """Return the fonts by the role of the page."""
        return {OWN_ROLES[name]: path for name, path in self.fonts.items()}
