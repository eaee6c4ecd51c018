"""Find products below a folder, by the names that their makers give them."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from habitat.errors import CatalogueError
from habitat.tiles.products import landsat_c2, safe

MAX_DEPTH = 12
"""Of folders below the one that is asked for."""
MAX_FILES = 1_000_000

_SAFE_ARCHIVE = re.compile(r"(?i)(S2[A-D]_(MSI|OPER|USER).*|.*\.SAFE)\.zip")
_LANDSAT_ARCHIVE = re.compile(r"(?i)L[COTEM]\d\d_.*\.(tar|tar\.gz|tgz|zip)")
_LANDSAT_BAND = re.compile(r"(?i)(L[COTEM]\d\d_L2S[PR]_\d{6}_\d{8}_\d{8}_\d\d_[A-Z0-9]{2})_SR_B\d\.TIF")
_SAFE_METADATA = re.compile(r"MTD_MSIL(1C|2A)\.xml|S2[A-D]_(OPER|USER)_MTD_SAFL(1C|2A).*\.xml")
_ORDER = (".zip", ".tar", ".gz", ".tgz")


@dataclass(frozen=True)
class Found:
    """A product's place, before it is opened."""

    kind: Literal["safe", "landsat"]
    name: str
    """The product's name, as far as its place tells it."""
    path: Path
    """Its folder or archive."""
    within: str | None = None
    """Which of the products of its folder, where a folder may hold several."""

    @property
    def is_archive(self) -> bool:
        """Whether it is one file."""
        return self.path.is_file()


def find_products(folder: Path, *, but: Collection[Path]) -> tuple[list[Found], list[Path]]:
    """Return the products below `folder` and the JSON files that are of none of them, in order of their paths.

    Parameters
    ----------
    but : collection of Path
        Files and folders that are left out.

    Raises
    ------
    CatalogueError
        If the folder holds more than can be looked through.
    """
    left_out = {path.resolve() for path in but}
    products: list[Found] = []
    documents: list[Path] = []
    count = 0
    for place, below, files in os.walk(folder):
        here = Path(place)
        count += len(files)
        if count > MAX_FILES:
            raise CatalogueError(f"holds more than {MAX_FILES:,} files", where=folder, mend="index a folder within it")
        below[:] = sorted(n for n in below if not n.startswith(".") and (here / n).resolve() not in left_out)
        if len(here.relative_to(folder).parts) >= MAX_DEPTH:
            below[:] = []
        if here.name.upper().endswith(".SAFE") or any(_SAFE_METADATA.fullmatch(name) for name in files):
            products.append(Found("safe", _name(safe.PRODUCT_NAME, here), here))
            below[:] = []
            continue
        metadata = landsat_c2.find_metadata(dict.fromkeys(files, 0))
        named = {*metadata, *_without_metadata(files, metadata)}
        products += [Found("landsat", name, here, within=name) for name in sorted(named)]
        products += _archives(here, files)
        documents += [
            here / name
            for name in sorted(files)
            if name.lower().endswith(".json")
            and not name.startswith((".", *metadata))
            and (here / name).resolve() not in left_out
        ]
    return products, documents


def _without_metadata(files: list[str], metadata: Collection[str]) -> set[str]:
    """Landsat products of which there are bands, but neither the metadata nor a STAC item: they are to be told of."""
    bands = (match for name in files if (match := _LANDSAT_BAND.fullmatch(name)))
    items = [name for name in files if name.lower().endswith(".json")]
    names = {match[1] for match in bands} - {*metadata}
    return {name for name in names if not any(item.startswith(name) for item in items)}


def _archives(here: Path, files: list[str]) -> Iterator[Found]:
    for name in sorted(files):
        path = here / name
        if _LANDSAT_ARCHIVE.fullmatch(name):
            yield Found("landsat", _name(landsat_c2.PRODUCT_NAME, path), path)
        elif _SAFE_ARCHIVE.fullmatch(name) or (name.lower().endswith(".zip") and _holds_safe(path)):
            yield Found("safe", _name(safe.PRODUCT_NAME, path), path)


def _holds_safe(path: Path) -> bool:
    """Whether a zip of any name holds a product: services hand them out under names of their own."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(safe.METADATA.fullmatch(name) for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _name(pattern: re.Pattern[str], path: Path) -> str:
    found = pattern.search(path.name)
    return found[0] if found else re.sub(r"(?i)(\.SAFE)?(\.zip|\.tar|\.tar\.gz|\.tgz)?$", "", path.name)


def without_copies(products: list[Found]) -> tuple[list[Found], list[str]]:
    """Keep one of each product, folders before archives; return what was kept, and what was not in words."""
    kept: dict[str, Found] = {}
    said = []
    for found in sorted(products, key=lambda f: (f.is_archive and 1 + _ORDER.index(f.path.suffix.lower()), f.path)):
        first = kept.setdefault(found.name, found)
        if first is not found:
            said.append(f"{found.name}: {found.path} is left out, a copy of {first.path}")
    return sorted(kept.values(), key=lambda f: f.path), said
