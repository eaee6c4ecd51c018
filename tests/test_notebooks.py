"""Notebooks are their scripts, with outputs that are the same each time they are made."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("jupytext", reason="needs habitat-change[notebooks]")
pytest.importorskip("nbclient", reason="needs habitat-change[notebooks]")

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SCRIPTS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", NOTEBOOKS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_notebook_is_its_script(build, script):
    assert build.is_current(script), "run python notebooks/build.py"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_notebook_shows_pictures_and_holds_no_clock_no_path_no_fault(script):
    text = script.with_suffix(".ipynb").read_text(encoding="utf-8")
    notebook = json.loads(text)
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert all(cell["metadata"] == {} for cell in notebook["cells"])
    words = [line for output in outputs for line in output.get("text", [])]
    assert not any(str(folder) in " ".join(words) for folder in (Path.home(), NOTEBOOKS.parent))


def test_the_first_map_takes_about_fifteen_lines():
    text = (NOTEBOOKS / "01_first_map.py").read_text(encoding="utf-8")
    until_the_map = ast.unparse(ast.parse(text)).split("plots.loss_map")[0]
    assert len(until_the_map.splitlines()) < 20
    assert text.count("plots.loss_map") == 1


def test_building_twice_gives_the_same_bytes(build, tmp_path):
    script = tmp_path / "01_tiny.py"
    script.write_text("# %% [markdown]\n# # Tiny\n\n# %%\nprint(6 * 7)\n", encoding="utf-8")
    assert build.main([], tmp_path) == 0
    first = script.with_suffix(".ipynb").read_bytes()
    assert b"42" in first
    assert build.main(["--check"], tmp_path) == 0
    assert build.main([], tmp_path) == 0
    assert script.with_suffix(".ipynb").read_bytes() == first


def test_check_fails_on_errors_warnings_and_stale_notebooks(build, tmp_path, capsys):
    (tmp_path / "01_fails.py").write_text("# %%\n1 / 0\n", encoding="utf-8")
    (tmp_path / "02_warns.py").write_text("# %%\nimport warnings\n\nwarnings.warn('careful')\n", encoding="utf-8")
    assert build.main(["--check"], tmp_path) == 1
    said = capsys.readouterr().err
    assert "01_fails.py: fails" in said
    assert "02_warns.py: writes to standard error" in said
    assert "02_warns.py: its .ipynb is out of date" in said
    assert not list(tmp_path.glob("*.ipynb"))
