"""Text of a file, in whatever encoding it was saved."""

from __future__ import annotations

import re
from pathlib import Path

from habitat.errors import RecordsError

_UPPER, _LOWER = "\u0410-\u042f\u0401", "\u0430-\u044f\u0451"
"""The letters of Russian, as ranges of a regular expression."""
_RUSSIAN_WORD = re.compile(f"[{_UPPER}]?[{_LOWER}]+|[{_UPPER}]+")
_LETTERS = re.compile(r"[^\W\d_a-zA-Z]+")
_TYPOGRAPHY = set("«»№—–…“”„’ °·" + "\u00a0")


def decode(content: bytes, path: Path) -> tuple[str, str | None]:
    """Return the text, and the name of its encoding if that is not UTF-8.

    UTF-16 is told by its first two bytes. Of the rest, it is Windows-1251 if all its words look Russian, GB18030 if
    all its letters are Chinese characters in daily use.

    Raises
    ------
    RecordsError
        If it is none of them.

    >>> decode("вид,время".encode("cp1251"), Path("a.csv"))
    ('вид,время', 'Windows-1251')
    >>> decode("物种,时间".encode("gb18030"), Path("a.csv"))
    ('物种,时间', 'GB18030')
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError:
            raise _unknown(path) from None
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        pass
    for name, encoding, looks_right in (("Windows-1251", "cp1251", _is_russian), ("GB18030", "gb18030", _is_chinese)):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if looks_right(text):
            return text, name
    raise _unknown(path)


def _unknown(path: Path) -> RecordsError:
    return RecordsError("is not UTF-8 text", where=path, mend="save it as 'CSV UTF-8'")


def _is_russian(text: str) -> bool:
    strange = {c for c in text if ord(c) > 127} - _TYPOGRAPHY
    if not all(re.fullmatch(f"[{_UPPER}{_LOWER}]", c) for c in strange):
        return False
    return all(_RUSSIAN_WORD.fullmatch(word) for word in _LETTERS.findall(text))


def _is_chinese(text: str) -> bool:
    """Whether all that is not ASCII is in GB 2312, the characters in daily use."""
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
