"""Propose what in a text may be a person's name. Nothing is masked here: a person looks at each proposal.

Two signs together find most names: words after which one follows (申请人、委托代理人……), and the part of speech that
jieba gives. Both run names into the words before them; so the text is cut at those words first. What is found once is
then looked for everywhere.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from yishenqing.core.masking import Span, apart, folded
from yishenqing.core.surnames import COMPOUND, SINGLE, surname

_TITLES = (
    "共同申请人|被申请人|申请人|复议申请人|原告|被告|第三人|上诉人|被上诉人|再审申请人|当事人|举报人|投诉人|信访人|被征收人|被拆迁人|"
    "产权人|所有权人|共有人|权利人|使用权人|承包人|承租人|出租人|买受人|继承人|利害关系人|委托代理人|代理人|法定代表人|负责人|联系人|经办人|"
    "承办人|收件人|寄件人|签收人|见证人|证人|户主|业主|村民|居民|市民|公民|群众|职工|员工|律师|法官|审判员|书记员|主任|局长|"
    "科长|处长|村支书|支书|书记|镇长|乡长|村长|所长|队长|组长|会计|医生|教师|老师|同志|父亲|母亲|妻子|丈夫|儿子|女儿|配偶|"
    "哥哥|弟弟|姐姐|妹妹|之父|之母|之妻|之夫|之子|之女|姓名|本人|邻居|死者|受害人|嫌疑人|购房人|开发商|其子|其女|其妻|其父|其母|其夫"
)
_VERBS = (
    "经查|其后|此后|询问|由于|由|于|与|和|及|向|对|将|给|诉|找|据|经|称|同|系|为|是|以|因|令|请|叫|名叫|名为|代表|通知|告知|要求|委托|转交|"
    "属于|关于|收到|包括|案外人|登记在|位于|以及"
)
_CUE = re.compile(rf"(?:{_TITLES}|{_VERBS})(?:的)?[为是:：]?\s*")
_SEPARATED = re.compile(r"[^一-鿿·•]+")
# What does not stand inside a given name, but follows one.
_AFTER = frozenset(
    "的了于与和及在向对将给诉称同系为是以因就被把从由等均也已曾又未不至到则即该此其所时后前中内外上下里"
    "提要申认说表签收寄送报请求共户家名之先女生反住来去有无来取得到持交办处死去"
)
_HONORIFIC = (
    "先生",
    "女士",
    "小姐",
    "同志",
    "律师",
    "主任",
    "书记",
    "老师",
    "科长",
    "局长",
    "某",
    "夫妇",
    "夫妻",
    "等人",
    "名下",
    "户",
)
_PLACES = frozenset("村镇乡县市区路街组局厅院站所部证图款书表费卡号片层幢")  # what ends the name of a thing
_LONGEST = 5  # characters of a name with the longest family name there is
_MOST = 20_000  # characters that are read at once


def _own_folder() -> str:
    """Return where jieba may keep what it worked out: nobody else can have put something there to be loaded."""
    folder = Path(tempfile.gettempdir()) / f"yishenqing-{os.getuid() if hasattr(os, 'getuid') else 'words'}"
    folder.mkdir(mode=0o700, exist_ok=True)
    known = folder.lstat()
    mine = not hasattr(os, "getuid") or (known.st_uid == os.getuid() and not folder.is_symlink())
    return str(folder) if mine and not known.st_mode & 0o022 else tempfile.mkdtemp()


@cache
def _tagger() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba asks setuptools for a module that is being retired
        import jieba
        from jieba import posseg

    jieba.setLogLevel(logging.ERROR)
    jieba.dt.tmp_dir = _own_folder()
    jieba.initialize()
    return posseg


def proposed(text: str, known: Collection[str] = ()) -> list[Span]:
    """Return the places that may be names of persons; ``known`` names are looked for too, wherever they stand."""
    names = {
        *known,
        *(n for start in range(0, len(text), _MOST) for n in _names(folded(text[start : start + _MOST]))),
    }
    plain, found = folded(text), []
    for name in sorted((n for n in names if n), key=lambda n: (-len(n), n)):
        found += [
            Span(m.start(), m.end(), "name", text[m.start() : m.end()], sure=False)
            for m in re.finditer(re.escape(name), plain)
        ]
    return apart(found)


def _names(text: str) -> Iterator[str]:
    for clause in dict.fromkeys(_SEPARATED.split(text)):
        yield from _foreign(clause)
        yield from filter(_is_name, _after_cues(clause))
        for piece in _CUE.split(clause):
            yield from filter(_is_name, _tagged(piece))
    yield from filter(_is_name, _listed(text))


_DOTTED = re.compile(r"([一-鿿]{1,12})((?:[·•][一-鿿]{1,8})+)")


def _foreign(clause: str) -> Iterator[str]:
    """买买提·吐尔逊: no family name, but a point; it runs from the last cue to what follows names."""
    for match in _DOTTED.finditer(clause):
        before, behind = _CUE.split(match[1])[-1], match[2]
        ends = next((n for n, c in enumerate(behind) if c in _AFTER), len(behind))
        if before and ends > 1:
            yield before + behind[:ends]


def _after_cues(clause: str) -> Iterator[str]:
    starts = [(0, True), *((m.end(), len(m[0]) == 1) for m in _CUE.finditer(clause))]
    for start, strict in starts:
        if name := _name_at(clause, start, strict=strict):
            yield name


def _listed(text: str) -> Iterator[str]:
    """张三、李四和王五: between the marks of a list stands a whole name or none."""
    for match in re.finditer(r"(?<=[、和与及])([一-鿿]{2,4})(?=[、和与及等，。；（(]|$)", text):
        yield match[1]


def _name_at(clause: str, at: int, *, strict: bool) -> str:
    """Return the name that begins at ``at``: the family name and one or two characters, as what follows tells.

    After an ordinary word (``strict``) it must also end where names end.
    """
    family = surname(clause[at : at + _LONGEST])
    given = clause[at + len(family) :]
    if not family or _follows(given):
        return ""
    short = _follows(given[1:]) or _ordinary(given[1:3])  # 王波|参加
    name = given[:1] if short else given[:2]
    rest = given[len(name) :]
    unsure = strict and (_ordinary(given[:2]) or not (_follows(rest) or _ordinary(rest[:2])))  # 由|拒绝
    return "" if unsure else family + name


def _ordinary(text: str) -> bool:
    """Tell whether two characters are a word that everybody uses."""
    return len(text) > 1 and _word(text) >= _COMMON


def _follows(rest: str) -> bool:
    """Tell whether ``rest`` is what follows a name."""
    return not rest or rest[0] in _AFTER or rest.startswith(_HONORIFIC)


def _is_name(name: str) -> bool:
    """Tell whether ``name`` may be one: it has a family name, and is no word of its own."""
    family = surname(name)
    if not family or not 1 <= len(name) - len(family) <= 2 or "某" in name or name[-1] in _PLACES:  # noqa: PLR2004 - given names have one or two characters
        return False
    if _word(name):
        return _tag(name).startswith("nr") and _word(name) < _COMMON
    return _rare(name[:2]) or _tag(name[:2]).startswith("nr")  # 施工|图


def _word(text: str) -> int:
    """Return how often jieba's dictionary has met a word."""
    import jieba

    _tagger()
    return int(jieba.dt.FREQ.get(text) or 0)


def _tag(word: str) -> str:
    return str(_tagger().dt.word_tag_tab.get(word, ""))


def _tagged(piece: str) -> Iterator[str]:
    """Names by part of speech; a family name that was left alone takes the unknown word after it."""
    words = [(p.word, p.flag) for p in _tagger().cut(piece)] if len(piece) > 1 else []
    for n, (word, flag) in enumerate(words):
        after = words[n + 1][0] if n + 1 < len(words) else ""
        if flag.startswith("nr") and flag != "nrt" and _plausible(word):
            yield from (w for w in (word, word + after) if (w == word and len(word) > 1) or _joins(word, after))
            if len(word) == len(surname(word)) + 1 and len(after) == 1 and after not in _AFTER:
                yield word + after  # 周焱|奕
        elif (word in SINGLE or word in COMPOUND) and _joins(word, after):
            yield word + after


def _joins(family: str, given: str) -> bool:
    """Tell whether a lonely family name and the word after it make a name."""
    if family not in SINGLE and family not in COMPOUND:
        return False
    return 1 <= len(given) <= 2 and given[0] not in _AFTER and not _word(family + given) and _rare(given)  # noqa: PLR2004 - given names have one or two characters


_COMMON = 300  # times in jieba's corpus from which two characters are an ordinary word


def _rare(given: str) -> bool:
    return len(given) == 1 or _word(given) < _COMMON


def _plausible(word: str) -> bool:
    family = surname(word)
    return bool(family) and (len(word) == len(family) or word[len(family)] not in _AFTER)
