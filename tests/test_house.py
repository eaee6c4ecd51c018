"""The rules of the house, held by tests: names, weight, length, silence, and no network."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import socket
import subprocess
import sys
import time
import tokenize
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import rasterio
import rasterio.errors
from odc.geo.geobox import GeoBox

import habitat
from habitat import store
from habitat.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "habitat").rglob("*.py"))
MODULES = ["habitat", *(found.name for found in pkgutil.walk_packages(habitat.__path__, "habitat."))]


def packages() -> list[ModuleType]:
    return [module for module in map(importlib.import_module, MODULES) if hasattr(module, "__path__")]


# -- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.__name__)
def test_no_exported_name_equals_a_submodule(package: ModuleType) -> None:
    submodules = {found.name for found in pkgutil.iter_modules(package.__path__)}
    exported = {name for name in getattr(package, "__all__", ()) if not isinstance(getattr(package, name), ModuleType)}
    assert not exported & submodules


@pytest.mark.parametrize(
    "package", [p for p in packages() if hasattr(p, "__all__")], ids=lambda package: package.__name__
)
def test_all_equals_the_public_names(package: ModuleType) -> None:
    def is_ours(name: str) -> bool:
        value = getattr(package, name)
        return not isinstance(value, ModuleType) and getattr(value, "__module__", "habitat").startswith("habitat")

    assert set(package.__all__) == {name for name in dir(package) if not name.startswith("_") and is_ours(name)}


def test_the_face_keeps_what_it_promises() -> None:
    for name in getattr(habitat, "__all__", ()):
        assert getattr(habitat, name) is not None
    assert set(getattr(habitat, "__all__", ())) <= set(dir(habitat))


def test_every_package_says_what_it_is() -> None:
    bare = [name for name in MODULES if len((importlib.import_module(name).__doc__ or "").strip()) < 20]
    assert not bare


# -- weight ---------------------------------------------------------------------------------------------


def heavy_modules_after(statement: str) -> set[str]:
    """Names of heavy packages that a fresh interpreter holds after `statement`."""
    heavy = {"dask", "geopandas", "matplotlib", "numpy", "odc", "pandas", "pydantic", "rasterio", "scipy", "sklearn"}
    heavy |= {"pyarrow", "pystac", "shapely", "xarray"}
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return heavy & set(answer.stdout.split())


def test_import_is_light() -> None:
    assert not heavy_modules_after("import habitat")


def test_the_command_line_starts_light() -> None:
    assert not heavy_modules_after("import habitat.cli")


def third_party_imports() -> set[str]:
    """Distributions that the library imports, inside functions too."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
    tops = {"odc." + name.split(".")[1] if name.startswith("odc.") else name.split(".")[0] for name in found}
    distributions = {"sklearn": "scikit-learn", "odc.geo": "odc-geo"}
    distributions |= {"odc.stac": "odc-stac", "tomli_w": "tomli-w"}
    distributions |= {"pystac_client": "pystac-client", "planetary_computer": "planetary-computer"}
    return {distributions.get(top, top) for top in tops - set(sys.stdlib_module_names) - {"habitat"}}


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["dask"], *extras["s3"]]
    names = {re.match(r"[\w-]+", text)[0] for text in declared}  # type: ignore[index]
    engines = {"pyarrow", "pyogrio", "dask"}  # geopandas and odc-geo call them
    assert third_party_imports() - names == set(), "imported and not declared"
    assert names - third_party_imports() - engines == set(), "declared and not imported"


# -- shape ----------------------------------------------------------------------------------------------


def test_no_module_is_too_long() -> None:
    def is_long(path: Path) -> bool:
        return len(path.read_text(encoding="utf-8").splitlines()) > 300

    long = {path.relative_to(ROOT).as_posix() for path in SOURCES if is_long(path)}
    assert long == set()


def names_called(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def in_the_library() -> list[Path]:
    return [path for path in SOURCES if "cli" not in path.relative_to(ROOT).parts]


def test_the_library_is_silent() -> None:
    loud = re.compile(r"print|logging\.basicConfig|.*\.addHandler|.*\.setLevel|.*Progress|tqdm.*")
    said = {(path.name, name) for path in in_the_library() for name in names_called(path) if loud.fullmatch(name)}
    assert not said


def test_no_model_file_is_a_pickle() -> None:
    pickling = re.compile(r"(c?pickle|joblib|dill)\.(load|dump)s?|.*\.(read|to)_pickle")
    found = {(path.name, name) for path in SOURCES for name in names_called(path) if pickling.fullmatch(name)}
    assert not found


def test_rasters_are_opened_by_the_store_alone() -> None:
    found = {
        path.relative_to(ROOT / "habitat").parts[0]
        for path in SOURCES
        for name in names_called(path)
        if name == "rasterio.open"
    }
    assert found <= {"store"}


def test_no_machine_path_is_written_down() -> None:
    machine = re.compile(r"(?<![\w.])(/(?:home|root|Users|work|opt)/|[A-Z]:\\\\?Users)")
    written = []
    for path in [*SOURCES, *(ROOT / "tests").glob("*.py"), ROOT / "dev.py"]:
        with tokenize.open(path) as file:
            written += [
                (path.name, n) for n, line in enumerate(file, 1) if machine.search(line) and "re.comp" not in line
            ]
    assert not written


# -- what is written about it -------------------------------------------------------------------------

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_are_written_about_exist(page: Path) -> None:
    named = re.findall(r"(?:`|^ {4})habitat ([a-z]+)", page.read_text(encoding="utf-8"), re.M)
    assert set(named) <= set(COMMANDS)


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [name for name in COMMANDS if f"habitat {name}" not in text]


def test_every_decision_is_listed() -> None:
    pages = {page.name for page in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    assert pages == set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", (ROOT / "docs" / "adr" / "README.md").read_text("utf-8")))


# -- no network but loopback ----------------------------------------------------------------------------

FAR = "192.0.2.1"  # RFC 5737: an address that belongs to nobody


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Address of a web server on loopback that serves `tmp_path`.

    It is a process of its own: rasterio opens files without letting other threads of this one run.
    """
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as web:
        assert web.stdout is not None
        port = re.search(r"port (\d+)", web.stdout.readline())
        assert port is not None
        yield f"http://127.0.0.1:{port[1]}"
        web.terminate()


def test_python_reaches_no_far_host() -> None:
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.create_connection((FAR, 80), timeout=5)
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.getaddrinfo("example.org", 80)
    with socket.socket() as sock, pytest.raises(RuntimeError, match="loopback only"):
        sock.connect_ex((FAR, 80))


def test_a_proxy_aware_client_fails_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://{FAR}/x.json", timeout=30)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_gdal_reaches_no_far_host(scheme: str) -> None:
    began = time.monotonic()
    with pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.open(f"/vsicurl/{scheme}://{FAR}/x.tif")
    assert time.monotonic() - began < 5


def test_loopback_works(server: str, tmp_path: Path, small_grid: GeoBox) -> None:
    values = np.arange(24, dtype="uint8").reshape(1, 4, 6)
    store.write_raster(tmp_path / "near.tif", values, small_grid, ["code"], 0)
    with urllib.request.urlopen(f"{server}/near.tif", timeout=30) as answer:
        assert answer.read() == (tmp_path / "near.tif").read_bytes()
    with rasterio.open(f"/vsicurl/{server}/near.tif") as file:
        assert np.array_equal(file.read(), values)


def test_nothing_but_what_is_declared_is_imported() -> None:
    """Tests run with every extra installed: what only an extra brings must not be missed without it."""
    program = """
import importlib, pkgutil, re, sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

def plain(name):
    return re.sub(r"[-_.]+", "-", re.match(r"[\\w.-]+", name)[0]).lower()

declared, todo = set(), ["habitat-change"]
while todo:
    name = plain(todo.pop())
    if name in declared:
        continue
    declared.add(name)
    try:
        todo += [need for need in requires(name) or () if "extra ==" not in need]
    except PackageNotFoundError:
        pass  # for another system or Python
owners = {top: {plain(owner) for owner in of} for top, of in packages_distributions().items()}

class Refusing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in owners and not owners[top] & declared:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refusing())
import habitat
for found in pkgutil.walk_packages(habitat.__path__, "habitat."):
    importlib.import_module(found.name)
print(len(declared))
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) > 25
