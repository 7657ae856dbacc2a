"""What goes inside a reply: the files of the information that it provides, where the office wishes it so."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import TYPE_CHECKING

from yishenqing.core.workflow import Step
from yishenqing.office import telling
from yishenqing.office.casework import Casework
from yishenqing.office.filing import mentions
from yishenqing.store.vault import Paper, Papers

if TYPE_CHECKING:
    from yishenqing.letters.press import Enclosed

_DOCUMENTS = "documents"
_ITEM = "item"


def enclosed(case: Casework, step: Step, papers: Mapping[str, Paper], contents: Papers) -> list[Enclosed]:
    """Return the files that the latest draft and the latest finding of each item name, for the letter of ``step``.

    Raises:
        NotFound: a content is missing.
        IntegrityFault: a content is not what was recorded.
    """
    from yishenqing.letters.press import Enclosed

    if not telling.is_reply(step):
        return []
    latest = {(f.step, str(f.facts.get(_ITEM) or "")): f.facts.get(_DOCUMENTS) for f in case.standing.facts}
    known = [papers[told["file"]] for documents in latest.values() for told in mentions(documents)]
    return [
        Enclosed(p.name, contents.read(p.sha256), mimetypes.guess_type(p.name)[0] or "application/octet-stream")
        for p in known
    ]
