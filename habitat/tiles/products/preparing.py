"""Make a product readable: find its files, decode those that must be, and tell the scene that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
from odc.geo.geobox import GeoBox

from habitat.errors import GridError, HabitatError, StoreError
from habitat.tiles.extents import corner_of, system_of
from habitat.tiles.products.archives import open_view
from habitat.tiles.products.decoding import Decoding, check_whole, decode_files, is_decoded, is_placed, open_placed
from habitat.tiles.products.finding import Found
from habitat.tiles.products.landsat_c2 import read_landsat
from habitat.tiles.products.plans import Placement, Product
from habitat.tiles.products.safe import read_safe
from habitat.tiles.scenes import QUALITY_ASSETS, Asset, Scene
from habitat.tiles.strays import find_stray, lie_together

Progress = Callable[[str, int, int], None]
_VERTICES = 16
"""Along each side of an outline: it is then right to some metres."""


@dataclass(frozen=True)
class Plan:
    """A product that is understood, and what is still to be done."""

    found: Found
    product: Product
    home: Path
    """Its folder in the cache."""
    files: Mapping[str, Path]
    """Where each layer's file is, or will be."""
    decodings: tuple[Decoding, ...]
    """Those that are not done yet."""

    @property
    def pieces(self) -> list[tuple[Decoding, ...]]:
        """What may be decoded side by side: a compressed tar is read from its beginning, so all of it at once."""
        if self.found.path.suffix.lower() in (".gz", ".tgz"):
            return [self.decodings] if self.decodings else []
        return [(decoding,) for decoding in self.decodings]


def plan_product(found: Found, home: Path) -> Plan:
    """Understand a product, and say where its files are and which must be decoded.

    Raises
    ------
    CatalogueError, ReadError, GridError
        If it cannot be used.
    """
    view = open_view(found.path, flat=found.kind == "landsat")
    product = read_safe(view) if found.kind == "safe" else read_landsat(view, found.within)
    files: dict[str, Path] = {}
    decodings = []
    for name, layer in product.layers.items():
        place = view.file(layer.member)
        if place is not None and _usable_in_place(place, product, layer.nodata):
            files[name] = place
            continue
        files[name] = home / f"{name}.tif"
        state = view.state(layer.member)
        decoding = Decoding(layer.member, files[name], state, name, layer.nodata, product.placement)
        if not is_decoded(decoding):
            decodings.append(decoding)
    return Plan(found, product, home, files, tuple(decodings))


def _usable_in_place(path: Path, product: Product, nodata: int) -> bool:
    if path.suffix.lower() == ".jp2":
        return False
    with open_placed(path, product.placement, nodata) as (file, _):
        if not is_placed(file):
            return False
        check_whole(file, path)
        return True


def decode_plans(plans: Sequence[Plan], executor: Executor | None, progress: Progress) -> dict[str, str]:
    """Decode what is to be decoded; return the products that cannot be, and why.

    Raises
    ------
    StoreError
        If the disk is full or cannot be written.
    """
    jobs = [(plan, piece) for plan in plans for piece in plan.pieces]
    total, done = sum(len(piece) for _, piece in jobs), 0
    refused: dict[str, str] = {}
    for plan, piece, error in _outcomes(jobs, executor):
        if isinstance(error, StoreError):
            raise error
        if isinstance(error, HabitatError):
            refused.setdefault(plan.found.name, str(error))
        elif error is not None:
            raise error
        done += len(piece)
        progress("index", done, total)
    return refused


_Job = tuple[Plan, tuple[Decoding, ...]]


def _outcomes(
    jobs: Sequence[_Job], executor: Executor | None
) -> Iterator[tuple[Plan, tuple[Decoding, ...], BaseException | None]]:
    """Do the jobs, and yield each as it ends."""
    if executor is None:
        for plan, piece in jobs:
            try:
                decode_files(plan.found.path, piece)
            except HabitatError as error:
                yield plan, piece, error
            else:
                yield plan, piece, None
        return
    waiting: dict[Future[Any], _Job] = {
        executor.submit(decode_files, p.found.path, piece): (p, piece) for p, piece in jobs
    }
    try:
        for future in as_completed(waiting):
            yield *waiting[future], future.exception()
    finally:
        for future in waiting:
            future.cancel()


def finish_product(plan: Plan) -> tuple[Scene, list[str]]:
    """Return the scene of a product whose files are all there, and what is worth saying of it.

    Raises
    ------
    ReadError, GridError
        If a file cannot be opened, is cut short, or lies elsewhere than its metadata say.
    """
    product = plan.product
    assets: dict[str, Asset] = {}
    grids: dict[str, GeoBox] = {}
    for name, path in plan.files.items():
        layer = product.layers[name]
        with open_placed(path, product.placement, layer.nodata) as (_, grid):
            assets[name] = Asset(str(path), layer.scale, layer.offset, layer.nodata, grid=grid)
            grids[name] = grid
    if find_stray(grids) is None:  # of one file alone it is said of that file
        _refuse_elsewhere(product, grids["red"])
    footprint = product.footprint
    if footprint is None:
        footprint = _outline(grids["red"])
    scene = Scene(
        id=product.name,
        sensor=product.sensor,
        time=product.time,
        cloud_percent=product.cloud_percent,
        geometry=footprint,
        bands={name: asset for name, asset in assets.items() if name not in QUALITY_ASSETS},
        quality=assets.get("quality"),
        saturation=assets.get("saturation"),
        platform=product.platform,
        collection=product.collection,
        tile=product.tile,
        processed=product.processed,
        claims=product.claims,
        angles=product.angles,
    )
    return scene, _disagreement(product, grids["red"])


def _outline(grid: GeoBox) -> Any:
    """The grid's rectangle in degrees: bent, so with vertices along its sides."""
    side_m = max(grid.shape) * grid.transform.a
    outline = grid.extent.segmented(side_m / _VERTICES).to_crs("EPSG:4326").geom
    return shapely.transform(outline, lambda degrees: degrees.round(7))


def _refuse_elsewhere(product: Product, grid: GeoBox) -> None:
    """Refuse files that do not lie on the ground that their metadata tell, nor on a piece of it."""
    at = product.placement
    if isinstance(at, Placement) and not lie_together(grid, at.grid):
        stated, own = (f"{system_of(g)} from {corner_of(g)}" for g in (at.grid, grid))
        raise GridError(
            f"says that the product lies in {stated}, its files say {own}, which is elsewhere",
            where=at.where,
            mend="download the product again",
        )


def _disagreement(product: Product, grid: GeoBox) -> list[str]:
    """Say where files are others than their metadata say: the files are right."""
    at = product.placement
    if not isinstance(at, Placement):
        return []
    said = []
    if grid.crs != at.crs:
        said = [f"{product.name}: its files are in {system_of(grid)}, its metadata say {at.crs}; the files are right"]
    if tuple(grid.shape) != at.shape:
        rows, cols = grid.shape
        said.append(
            f"{product.name}: its files are {rows} x {cols} pixels of {grid.transform.a:g} x {-grid.transform.e:g} m "
            f"where its metadata say {at.shape[0]} x {at.shape[1]} of {at.cell:g} m; the files are right"
        )
    return said
