"""A file on the web as far as it is here; what is missing is asked for, in pieces."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from habitat.errors import FetchError
from habitat.store import shown
from habitat.tiles.answers import Answer, Version
from habitat.tiles.pieces import Pieces

if TYPE_CHECKING:
    from habitat.tiles.remote import Remote

PIECE = 2**22
"""Bytes that are asked for at once, at most: what a dropped line costs."""
HEADER = 2**14
"""Bytes that are read of a file to begin with: they hold the header of nearly every cloud-optimised GeoTIFF."""


class RangeFile:
    """A file on the web that can be read anywhere; what has come once is not asked for again."""

    def __init__(self, remote: Remote, href: str, pieces: Pieces) -> None:
        self.remote, self.href, self.pieces = remote, href, pieces
        self.bytes_read = 0
        """From the web."""
        self._wholes = 0
        self._plain: bool | None = None
        self._counting, self._taking_all = threading.Lock(), threading.Lock()

    @property
    def version(self) -> Version:
        """The state of the file."""
        if self.pieces.version is None:
            self._take(0, HEADER)
        assert self.pieces.version is not None
        return self.pieces.version

    def fill(self, start: int, stop: int, *, twice: bool = False) -> None:
        """Ask for what is missing of [start, stop).

        Parameters
        ----------
        twice : bool
            Whether content that would not show a flipped bit is asked for two times, if it comes unencrypted.

        Raises
        ------
        FetchError, StoreError
            If it cannot be had, or not be kept.
        """
        for first, last in self.pieces.gaps(start, min(stop, self.version.size)):
            for at in range(first, last, PIECE):
                if self._wholes > 1:  # the server sends all of it each time: once is enough
                    self._take_all()
                    return
                self._take(at, min(at + PIECE, last), twice=twice)

    def _take_all(self) -> None:
        with self._taking_all:
            if self.pieces.gaps(0, self.version.size):
                self.remote.download(self.href, self.version, self._keep, PIECE)

    def _take(self, start: int, stop: int, *, twice: bool = True) -> None:
        version = self.pieces.version
        answer = self._ask(start, stop, version)
        is_far = not answer.in_parts and not answer.data
        if twice and not is_far and self._is_plain():
            answer = self._agreed(answer, start, stop)
        if version is None:
            self.pieces.begin(answer.version)
        if is_far:
            self._take_all()
            return
        self._keep(start, answer.data)
        self._wholes += not answer.in_parts and answer.version.size > PIECE

    def _agreed(self, answer: Answer, start: int, stop: int) -> Answer:
        """Ask until two answers agree."""
        known = [answer]
        for n in range(1, self.remote.tries + 1):
            before = min(n, start)  # not just the same range, or a cache would give the same again
            other = self._ask(start - before, stop + n, self.pieces.version)
            other = replace(other, data=other.data[before : before + stop - start])
            if any(each.data == other.data and not other.version.is_other_than(each.version) for each in known):
                return other
            known.append(other)
        raise FetchError("comes different each time", where=shown(self.href), mend="use an encrypted address")

    def _ask(self, start: int, stop: int, version: Version | None) -> Answer:
        answer = self.remote.ask(self.href, start, stop, version)
        with self._counting:
            self.bytes_read += len(answer.data)
        return answer

    def _keep(self, start: int, data: bytes) -> None:
        for first, last in self.pieces.gaps(start, start + len(data)):
            self.pieces.add(first, data[first - start : last - start])

    def _is_plain(self) -> bool:
        if self._plain is None:
            self._plain = self.remote.is_plain(self.href)
        return self._plain

    def read(self, start: int, stop: int) -> bytes:
        """Return bytes [start, stop), or up to its end, of a header: what is missing is asked for in chunks.

        Raises
        ------
        FetchError, StoreError
            If it cannot be had, or not be kept.
        """
        size = self.version.size
        stop = min(stop, size)
        for first, last in self.pieces.gaps(start, stop):
            end = -(-last // HEADER) * HEADER
            self.fill(first // HEADER * HEADER, end, twice=True)
        return self.pieces.read(start, stop) if stop > start else b""
