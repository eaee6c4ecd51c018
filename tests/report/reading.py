"""A page as a test reads it: its addresses, its values and its words."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

LOADING = {"src", "href", "srcset", "data", "poster", "action", "background", "xlink:href"}


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.addresses: list[tuple[str, str, str]] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.values: dict[str, str] = {}
        self.images: list[dict[str, str]] = []
        self.text = ""
        self._raw = False
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self._raw = tag in ("style", "script")
        given = dict(attrs)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "data" and "id" in given:
            self.values[given["id"]] = given["value"]
        if tag == "img":
            self.images.append(given)
        self.addresses += [(tag, name, value) for name, value in attrs if name in LOADING]

    def handle_endtag(self, tag) -> None:
        self._raw = False
        self.text += " " * (tag in ("td", "th", "p", "li", "span", "h2", "h3", "caption", "small"))

    def handle_data(self, data) -> None:
        if not self._raw:
            self.text += data
