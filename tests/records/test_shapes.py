"""Vector files: every common kind is read, and what is none says so in one line."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from habitat.errors import RecipeError, TrainingError
from habitat.records.shapes import read_area, read_shapes

SQUARE, OTHER = shapely.box(130.8, 43.1, 130.9, 43.2), shapely.box(130.85, 43.1, 131.0, 43.2)


def table(*shapes: object, crs: str | None = "EPSG:4326") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"code": np.arange(len(shapes))}, geometry=list(shapes), crs=crs)


def shapes_of(path: Path) -> gpd.GeoDataFrame:
    return read_shapes(path, error=TrainingError, mend="mend it")


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp", "a.parquet"])
def test_every_common_kind_of_file_is_read(tmp_path: Path, name: str) -> None:
    made = table(SQUARE, OTHER)
    path = tmp_path / name
    made.to_parquet(path) if name.endswith("parquet") else made.to_file(path)
    found = shapes_of(path)
    assert found["code"].tolist() == [0, 1]
    assert found.crs == "EPSG:4326"
    assert shapely.equals(found.geometry.to_numpy(), made.geometry.to_numpy()).all()


def test_empty_shapes_are_left_out(tmp_path: Path) -> None:
    table(None, SQUARE, shapely.Polygon()).to_parquet(tmp_path / "a.parquet")
    assert shapes_of(tmp_path / "a.parquet")["code"].tolist() == [1]


def test_what_cannot_be_used_names_the_file(tmp_path: Path) -> None:
    table(SQUARE, crs=None).to_parquet(tmp_path / "nowhere.parquet")
    table(shapely.Polygon()).to_parquet(tmp_path / "empty.parquet")
    (tmp_path / "page.gpkg").write_text("<html>404</html>")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    (tmp_path / "list.geojson").write_text("[1, 2]")
    for name, said in {
        "missing.gpkg": "there is no such file; mend it",
        "nowhere.parquet": "carries no reference system",
        "empty.parquet": "holds no shape; mend it",
        "page.gpkg": "cannot be read as points or polygons",
        "cut.parquet": "cannot be read as points or polygons",
        "list.geojson": "cannot be read as points or polygons",
    }.items():
        with pytest.raises(TrainingError, match=f"{name}: {said}") as caught:
            shapes_of(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_table_without_shapes_is_none(tmp_path: Path) -> None:
    table(SQUARE).drop(columns="geometry").to_parquet(tmp_path / "plain.parquet")
    with pytest.raises(TrainingError, match="plain.parquet"):
        shapes_of(tmp_path / "plain.parquet")
    (tmp_path / "plain.csv").write_text("code\n1\n")
    with pytest.raises(TrainingError, match="plain.csv"):
        shapes_of(tmp_path / "plain.csv")


def test_a_layer_without_a_reference_system(tmp_path: Path) -> None:
    """A shapefile whose .prj was left behind: nobody knows where it lies."""
    table(SQUARE).to_file(tmp_path / "area.shp")
    (tmp_path / "area.prj").unlink()
    with pytest.raises(RecipeError, match="area.shp: carries no reference system"):
        read_area(tmp_path / "area.shp")


# -- the area -------------------------------------------------------------------------------------------


def test_the_area_is_the_union_of_its_polygons_in_degrees(tmp_path: Path) -> None:
    table(SQUARE, OTHER, shapely.Point(0, 0)).to_crs("EPSG:32652").to_file(tmp_path / "area.gpkg")
    area = read_area(tmp_path / "area.gpkg")
    assert np.allclose(area.bounds, (130.8, 43.1, 131.0, 43.2), atol=1e-6)
    assert area.area == pytest.approx(0.02, rel=1e-3)


def test_an_area_that_crosses_itself_is_mended(tmp_path: Path) -> None:
    bow = shapely.Polygon([(130, 43), (131, 44), (131, 43), (130, 44)])
    table(bow).to_file(tmp_path / "area.gpkg")
    area = read_area(tmp_path / "area.gpkg")
    assert area.is_valid
    assert area.area == pytest.approx(0.5)


def test_points_are_no_area(tmp_path: Path) -> None:
    table(shapely.Point(130, 43)).to_file(tmp_path / "area.gpkg")
    with pytest.raises(RecipeError, match=r"area.gpkg: holds no polygon; \[area\] region takes a file of polygons"):
        read_area(tmp_path / "area.gpkg")
