"""Print laid-out pages as tagged PDF/A: every line at its place, the same bytes every time.

The pages are finished lines, so that no renderer has anything left to decide: the file is written with pydyf, the
fonts are reduced by HarfBuzz. A letter is PDF/A-2a, one that carries files PDF/A-3a.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import pydyf
from msgspec import Struct

from yishenqing.letters.fonts import Metrics
from yishenqing.letters.sheet import MM, Page, Placed, Rule
from yishenqing.letters.typeface import Typeface

VARIANT, VARIANT_WITH_FILES = 2, 3  # parts of ISO 19005; both of conformance A
PAPER = (210 * MM, 297 * MM)
ASCENT = 0.88  # of a hanzi's box above the baseline
_RULE_LEFT, _RULE_WIDTH = 20 * MM, 170 * MM
_RED, _BLACK = b"1 0 0 rg", b"0 0 0 rg"
_RUN = 100  # entries of one block of a character map
_PRODUCER = "yishenqing"


class Enclosed(Struct, frozen=True):
    """A file that goes inside the letter."""

    name: str
    content: bytes
    media: str = "application/octet-stream"


class About(Struct, frozen=True):
    """What the file says of itself; ``day`` is the only date in it."""

    title: str
    author: str
    day: date


class _Type:
    """One font of the letter: each character gets its own code, so that the text can be read back exactly."""

    def __init__(self, number: int, name: str, face: Typeface) -> None:
        self.label, self._name, self._face = f"F{number}", name, face
        self._codes: dict[str, int] = {}

    def code(self, char: str) -> int:
        return self._codes.setdefault(char, len(self._codes) + 1)

    def put(self, pdf: pydyf.PDF) -> bytes:
        """Add the font to ``pdf``; return its reference."""
        glyphs = [self._face.glyph(c) for c in self._codes]
        subset = self._face.subset(frozenset(glyphs))
        content = _flate(subset.content)
        file = _added(pdf, pydyf.Stream([content], {"Filter": "/FlateDecode", "Length1": len(subset.content)}))
        places = b"\0\0" + b"".join(subset.numbers[g].to_bytes(2, "big") for g in glyphs)
        places_ref = _added(pdf, pydyf.Stream([_flate(places)], {"Filter": "/FlateDecode"}))
        tag = "".join(chr(65 + n % 26) for n in hashlib.sha256(subset.content).digest()[:6])
        name = f"/{tag}+{self._name}"
        descendant = pydyf.Dictionary(
            {
                "Type": "/Font",
                "Subtype": "/CIDFontType2",
                "BaseFont": name,
                "CIDSystemInfo": "<</Registry (Adobe) /Ordering (Identity) /Supplement 0>>",
                "FontDescriptor": _added(pdf, _descriptor(name, file)),
                "DW": 1000,
                "W": pydyf.Array([1, pydyf.Array([round(self._face.advance(c), 3) for c in self._codes])]),
                "CIDToGIDMap": places_ref,
            }
        )
        text = pydyf.Stream([_flate(self._to_unicode())], {"Filter": "/FlateDecode"})
        whole = {
            "Type": "/Font",
            "Subtype": "/Type0",
            "BaseFont": name,
            "Encoding": "/Identity-H",
            "DescendantFonts": pydyf.Array([_added(pdf, descendant)]),
            "ToUnicode": _added(pdf, text),
        }
        return _added(pdf, pydyf.Dictionary(whole))

    def _to_unicode(self) -> bytes:
        rows = [f"<{n:04x}> <{c.encode('utf-16-be').hex()}>" for c, n in self._codes.items()]
        blocks = [rows[i : i + _RUN] for i in range(0, len(rows), _RUN)]
        maps = "\n".join(f"{len(b)} beginbfchar\n" + "\n".join(b) + "\nendbfchar" for b in blocks)
        return (
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
            "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
            f"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{maps}\nendcmap\n"
            "CMapName currentdict /CMap defineresource pop\nend\nend"
        ).encode()


class _Types:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._known: dict[str, _Type] = {}

    def of(self, char: str, role: str) -> _Type:
        family = self._metrics.family(char, role)
        if family not in self._known:
            name = family.replace(" ", "-")
            self._known[family] = _Type(len(self._known), name, self._metrics.typeface(family))
        return self._known[family]

    def width(self, char: str, role: str) -> float:
        return self._metrics.width(char, role)

    def put(self, pdf: pydyf.PDF) -> pydyf.Dictionary:
        return pydyf.Dictionary({t.label: t.put(pdf) for t in self._known.values()})


def to_pdf(pages: Sequence[Page], metrics: Metrics, about: About, enclosed: Sequence[Enclosed] = ()) -> bytes:
    """Return ``pages`` as PDF/A-2a, or PDF/A-3a with the files ``enclosed``.

    Every character must have a glyph in the fonts of its role (``Metrics.covers``).
    """
    pdf, types = pydyf.PDF(), _Types(metrics)
    drawn = [_content(page, types) for page in pages]
    fonts = _added(pdf, types.put(pdf))
    sheets = [_page(pdf, content, fonts, number) for number, content in enumerate(drawn)]
    _describe(pdf, about, VARIANT_WITH_FILES if enclosed else VARIANT)
    _structure(pdf, pages, sheets)
    _enclose(pdf, enclosed, about.day)
    out = io.BytesIO()
    pdf.write(out, version=b"1.7", identifier=True)
    return out.getvalue()


def _added(pdf: pydyf.PDF, part: Any) -> bytes:
    pdf.add_object(part)
    return bytes(part.reference)


@cache
def _profile() -> bytes:
    """The colour profile that the forms' renderer brings along; found without importing it."""
    found = importlib.util.find_spec("weasyprint")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("weasyprint")
    return _flate((Path(found.origin).parent / "pdf" / "sRGB2014.icc").read_bytes())


def _flate(content: bytes) -> bytes:
    return zlib.compress(content, 6)


def _descriptor(name: str, file: bytes) -> pydyf.Dictionary:
    return pydyf.Dictionary(
        {
            "Type": "/FontDescriptor",
            "FontName": name,
            "Flags": 4,  # the characters are not those of a Latin alphabet
            "FontBBox": pydyf.Array([-200, -300, 1200, 1100]),
            "ItalicAngle": 0,
            "Ascent": 880,
            "Descent": -120,
            "CapHeight": 700,
            "StemV": 80,
            "FontFile2": file,
        }
    )


def _content(page: Page, types: _Types) -> bytes:
    parts = [_rule(rule) for rule in page.rules]
    mark = 0
    for line in page.lines:
        if line.tag:
            opened = b"/%s <</MCID %d>> BDC" % (line.tag.encode(), mark)
            mark += 1
        else:
            opened = b"/Artifact BMC"
        parts.append(b"%s\n%s\nEMC" % (opened, _line(line, types)))
    return b"\n".join(parts)


def _rule(rule: Rule) -> bytes:
    y = PAPER[1] - rule.y - rule.height
    place = f"{_RULE_LEFT:.3f} {y:.3f} {_RULE_WIDTH:.3f} {rule.height:.3f} re f"
    return b"/Artifact BMC\n" + _RED + b"\n" + place.encode() + b"\nEMC"


def _line(line: Placed, types: _Types) -> bytes:
    """Place each run by itself: readers differ in whether spacing follows the last character of a run."""
    y = PAPER[1] - line.y - ASCENT * line.size
    parts = [_RED if line.red else _BLACK, b"BT", b"%.4f Tc" % line.spacing]
    for label, x, codes in _runs(line, types):
        parts.append(f"/{label} {line.size:g} Tf 1 0 0 1 {x:.3f} {y:.3f} Tm <{codes}> Tj".encode())
    return b"\n".join((*parts, b"ET"))


def _runs(line: Placed, types: _Types) -> Iterator[tuple[str, float, str]]:
    """Yield each run of one font: its label, where it starts, and its codes in hexadecimal."""
    x, start, current, codes = line.x, line.x, None, ""
    for char in line.text:
        found = types.of(char, line.role)
        if current is not None and found is not current:
            yield current.label, start, codes
            start, codes = x, ""
        current = found
        codes += f"{found.code(char):04x}"
        x += types.width(char, line.role) * line.size + line.spacing
    if current is not None:
        yield current.label, start, codes


def _page(pdf: pydyf.PDF, content: bytes, fonts: bytes, number: int) -> bytes:
    stream = _added(pdf, pydyf.Stream([_flate(content)], {"Filter": "/FlateDecode"}))
    page = pydyf.Dictionary(
        {
            "Type": "/Page",
            "Parent": pdf.pages.reference,
            "MediaBox": pydyf.Array([0, 0, *(round(side, 3) for side in PAPER)]),
            "Resources": pydyf.Dictionary({"Font": fonts}),
            "Contents": stream,
            "StructParents": number,
            "Tabs": "/S",
        }
    )
    pdf.add_page(page)
    return bytes(page.reference)


def _structure(pdf: pydyf.PDF, pages: Sequence[Page], sheets: Sequence[bytes]) -> None:
    """Tell the reading order: one element per paragraph, also where it runs over a page."""
    root, whole = pydyf.Dictionary({"Type": "/StructTreeRoot"}), pydyf.Dictionary({"Type": "/StructElem"})
    root_ref, whole_ref = _added(pdf, root), _added(pdf, whole)
    elements: dict[int, pydyf.Dictionary] = {}
    numbers = pydyf.Array()
    for n, (page, sheet) in enumerate(zip(pages, sheets, strict=True)):
        owners = pydyf.Array()
        for mark, line in enumerate(x for x in page.lines if x.tag):
            if line.part not in elements:
                element = pydyf.Dictionary({"Type": "/StructElem", "S": f"/{line.tag}", "P": whole_ref})
                element["K"] = pydyf.Array()
                elements[line.part] = element
                pdf.add_object(element)
            element = elements[line.part]
            element["K"].append(b"<</Type /MCR /Pg %s /MCID %d>>" % (sheet, mark))
            owners.append(element.reference)
        numbers.extend([n, _added(pdf, owners)])
    in_order = [elements[part].reference for part in sorted(elements)]
    whole.update({"S": "/Document", "P": root_ref, "Lang": "(zh-CN)", "K": pydyf.Array(in_order)})
    tree = _added(pdf, pydyf.Dictionary({"Nums": numbers}))
    root.update({"K": pydyf.Array([whole_ref]), "ParentTree": tree, "ParentTreeNextKey": len(pages)})
    pdf.catalog["StructTreeRoot"] = root_ref


def _describe(pdf: pydyf.PDF, about: About, part: int) -> None:
    """Write what PDF/A asks for: metadata, language, tags, colour space."""
    stamp = f"D:{about.day:%Y%m%d}000000+08'00'"
    pdf.info.update({"Title": pydyf.String(about.title), "Author": pydyf.String(about.author)})
    pdf.info.update({"CreationDate": pydyf.String(stamp), "ModDate": pydyf.String(stamp)})
    pdf.info["Producer"] = pydyf.String(_PRODUCER)
    xmp = _added(pdf, pydyf.Stream([_metadata(about, part)], {"Type": "/Metadata", "Subtype": "/XML"}))
    colours = _added(pdf, pydyf.Stream([_profile()], {"N": 3, "Filter": "/FlateDecode"}))
    intent = {"Type": "/OutputIntent", "S": "/GTS_PDFA1", "DestOutputProfile": colours}
    intent["OutputConditionIdentifier"] = pydyf.String("sRGB IEC61966-2.1")
    pdf.catalog.update(
        {
            "Metadata": xmp,
            "Lang": "(zh-CN)",
            "MarkInfo": "<</Marked true>>",
            "ViewerPreferences": "<</DisplayDocTitle true>>",
            "OutputIntents": pydyf.Array([pydyf.Dictionary(intent)]),
        }
    )


def _metadata(about: About, part: int) -> bytes:
    title, author, day = escape(about.title), escape(about.author), f"{about.day.isoformat()}T00:00:00+08:00"
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 pdfaid:part="{part}" pdfaid:conformance="A"/>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>zh-CN</rdf:li></rdf:Bag></dc:language></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmp:CreateDate="{day}" xmp:ModifyDate="{day}"/>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" pdf:Producer="{_PRODUCER}"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>""".encode()


def _enclose(pdf: pydyf.PDF, enclosed: Sequence[Enclosed], day: date) -> None:
    """Put the files inside, in order, each associated with the letter as a whole (ISO 19005-3)."""
    references, names = pydyf.Array(), pydyf.Array()
    for number, file in enumerate(enclosed, 1):
        params = {"Size": len(file.content), "ModDate": pydyf.String(f"D:{day:%Y%m%d}000000+08'00'")}
        extra = {"Type": "/EmbeddedFile", "Subtype": pydyf.name(file.media), "Filter": "/FlateDecode"}
        extra["Params"] = pydyf.Dictionary(params)
        content = _added(pdf, pydyf.Stream([_flate(file.content)], extra))
        spec = {"Type": "/Filespec", "F": pydyf.String(file.name), "UF": pydyf.String(file.name)}
        spec |= {"EF": pydyf.Dictionary({"F": content, "UF": content}), "AFRelationship": "/Supplement"}
        reference = _added(pdf, pydyf.Dictionary(spec))
        references.append(reference)
        names.extend([pydyf.String(f"{number:04d}"), reference])
    if enclosed:
        pdf.catalog["AF"] = references
        pdf.catalog["Names"] = pydyf.Dictionary({"EmbeddedFiles": pydyf.Dictionary({"Names": names})})
