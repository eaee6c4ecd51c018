"""Commands: what they write and print, how light they start, and their exit status."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pydantic
import pytest
from terminal import run

import habitat
import habitat.recipe
import habitat.simulate
from habitat.cli import COMMANDS
from habitat.recipe import Recipe, read_recipe

# -- weight ---------------------------------------------------------------------------------------------


def loaded_by(*args: str) -> set[str]:
    """Top packages that a fresh interpreter holds after `habitat ARGS`."""
    program = (
        "import sys\n"
        "from habitat.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        "    print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True, check=True)
    assert done.stdout
    return set(done.stderr.split())


def test_help_and_version_load_nothing_heavy() -> None:
    bare = subprocess.run(
        [sys.executable, "-c", "import sys, click, logging, difflib; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    allowed = {name.split(".")[0] for name in bare.stdout.split()} | set(sys.stdlib_module_names) | {"habitat"}
    for args in (["--help"], ["--version"], ["init", "--help"]):
        assert loaded_by(*args) - allowed == set(), args


# -- usage ----------------------------------------------------------------------------------------------


def test_help_names_every_command_in_the_order_of_the_work() -> None:
    said = run("--help")
    assert said.status == 0
    assert re.findall(r"^  (\w+) ", said.out.partition("Commands:")[2], flags=re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_own_help(name: str) -> None:
    said = run(name, "--help")
    assert said.status == 0
    assert said.out.startswith(f"Usage: habitat {name} ")
    assert COMMANDS[name].split(".")[0].split(",")[0][:20] in " ".join(said.out.split())


def test_the_version_is_the_package_s() -> None:
    assert run("--version").out == f"habitat, version {habitat.__version__}\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["fly"], "No such command 'fly'"),
        (["chek", "recipe.toml"], "Did you mean 'check'?"),
        (["run"], "Missing argument 'RECIPE'"),
        (["run", "a.toml", "b.toml"], "unexpected extra argument"),
        (["run", "a.toml", "--speed", "9"], "No such option"),
        (["run", "a.toml", "--workers", "0"], "Invalid value for '--workers'"),
        (["sample", "there", "--size-km", "far"], "Invalid value for '--size-km'"),
        (["sample", "there", "--seed", "-1"], "Invalid value for '--seed'"),
    ],
)
def test_wrong_usage_is_status_2(args: list[str], said: str) -> None:
    done = run(*args)
    assert done.status == 2
    assert said in done.err
    assert done.out == ""


def test_no_command_shows_the_help_as_wrong_usage() -> None:
    done = run()
    assert done.status == 2
    assert "Usage: habitat" in done.out + done.err


# -- our own faults, and the user's wish to stop --------------------------------------------------------


def test_a_bug_is_status_3_and_its_traceback_is_there_for_the_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> None:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr(habitat.recipe, "read_recipe", broken)
    done = run("check", tmp_path / "recipe.toml")
    assert done.status == 3
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert "a bug of habitat's: ZeroDivisionError: two lines (run with -v" in done.err
    loud = run("-v", "check", tmp_path / "recipe.toml")
    assert loud.status == 3
    assert "Traceback (most recent call last)" in loud.err
    assert loud.err.splitlines()[-1] == done.err.strip()


def test_an_error_of_the_input_has_its_traceback_too(tmp_path: Path) -> None:
    loud = run("-v", "check", tmp_path / "nowhere.toml")
    assert loud.status == 1
    assert "Traceback" in loud.err
    assert "nowhere.toml: cannot be read" in loud.err.splitlines()[-1]


def test_stopping_is_status_130_and_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(habitat.recipe, "read_recipe", stopped)
    done = run("run", tmp_path / "recipe.toml")
    assert done.status == 130
    assert "stopped; the same command goes on from here" in done.err
    assert "Traceback" not in done.err


# -- init -----------------------------------------------------------------------------------------------


def sections() -> dict[str, type[pydantic.BaseModel]]:
    """Each section of the recipe's model by its name."""
    found: dict[str, type[pydantic.BaseModel]] = {}
    for name, field in Recipe.model_fields.items():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        found.update((name, k) for k in kinds if isinstance(k, type) and issubclass(k, pydantic.BaseModel))
    return found


def uncommented(text: str) -> dict[str, dict[str, object]]:
    """The recipe with all that it offers in comments switched on."""
    lines = (re.sub(r"^# (?=\[|\w+ = )", "", line) for line in text.splitlines())
    return tomllib.loads("\n".join(lines))


def test_init_writes_a_recipe_that_is_read(tmp_path: Path) -> None:
    done = run("init", tmp_path / "valley")
    path = tmp_path / "valley" / "recipe.toml"
    assert (done.status, done.out) == (0, f"{path}\n")
    assert read_recipe(path).area.name == "valley"


@pytest.mark.parametrize("name", ['the "old" forest', "back\\slash", "Кедровая Падь", "{braces}", "tab\there"])
def test_any_folder_s_name_makes_a_recipe(tmp_path: Path, name: str) -> None:
    assert run("init", tmp_path / name).status == 0
    assert read_recipe(tmp_path / name / "recipe.toml").area.name == name


def test_init_mentions_every_key(tmp_path: Path) -> None:
    run("init", tmp_path)
    text = (tmp_path / "recipe.toml").read_text()
    offered = uncommented(text)
    assert len(sections()) == 10
    assert set(offered) == set(sections())
    for name, model in sections().items():
        keys = set(offered[name]) | set(re.findall(r"or: (\w+) = ", text))  # the other of two ways to say it
        assert set(model.model_fields) <= keys, name


def test_what_init_offers_is_accepted(tmp_path: Path) -> None:
    run("init", tmp_path)
    offered = uncommented((tmp_path / "recipe.toml").read_text())
    del offered["area"]["bbox"]  # the other way to say where
    recipe = Recipe.model_validate({**offered, "file": tmp_path / "recipe.toml"})
    assert recipe.occupancy is not None


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("mine")
    done = run("init", tmp_path)
    assert done.status == 1
    assert "recipe.toml: is already there" in done.err
    assert (tmp_path / "recipe.toml").read_text() == "mine"


def test_init_without_a_folder_writes_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init").out == "recipe.toml\n"
    assert read_recipe("recipe.toml").area.name == tmp_path.name


# -- the others -----------------------------------------------------------------------------------------


def test_sample_writes_the_landscape_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(habitat.simulate, "write_sample", lambda folder, **options: asked.append((folder, options)))
    assert run("sample", tmp_path / "a").out == f"{tmp_path / 'a' / 'recipe.toml'}\n"
    assert run("sample", tmp_path / "b", "--size-km", "1.5", "--seed", "9").status == 0
    assert asked == [
        (tmp_path / "a", {"size_km": 3.0, "seed": 7000, "layout": "catalogue", "preset": "standard"}),
        (tmp_path / "b", {"size_km": 1.5, "seed": 9, "layout": "catalogue", "preset": "standard"}),
    ]


def test_sample_leaves_a_folder_alone_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = run("sample", tmp_path)
    assert done.status == 1
    assert "is not empty; choose an empty folder" in done.err
    assert len(list(tmp_path.iterdir())) == 1


def test_the_presets_that_help_lists_are_those_there_are() -> None:
    assert list(habitat.simulate.PRESETS) == re.search(r"--preset \[(.+?)\]", run("sample", "--help").out)[1].split("|")


def test_check_says_what_the_recipe_means(land: Path) -> None:
    done = run("check", land / "recipe.toml")
    assert (done.status, done.err) == (0, "")
    said = dict(re.split(r" +", line, maxsplit=1) for line in done.out.splitlines())
    assert said["grid"] == "30 x 30 pixels of 20 m in EPSG:32652"
    assert said["area"].endswith("0.36 km2")
    assert said["years"] == "2019-2021"
    assert said["seasons"].startswith("mapping 06-01/09-15; leaf_off ")
    assert said["bands"] == "blue green red nir08 swir16 swir22"
    assert re.match(r"\d+ of sentinel-2, \d+ of landsat \(left out: ", said["scenes"]) or re.match(
        r"\d+ of landsat, \d+ of sentinel-2 \(left out: ", said["scenes"]
    )
    assert said["stages"] == "composite train map change cells join occupancy report"
    assert said["output"] == str(land / "run")


def test_a_run_that_is_up_to_date_says_so_and_touches_nothing(land: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (land / "run").rglob("*") if path.name != ".lock"}
    done = run("run", land / "recipe.toml")
    assert done.status == 0
    assert done.out == f"nothing to do: all 8 stages are up to date\n{land / 'run' / 'report.html'}\n"
    assert done.err == ""
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("stage", ["train", "map", "change", "cells", "join", "occupancy", "report"])
def test_a_stage_whose_section_is_left_out_is_not_run(land: Path, stage: str) -> None:
    path = land / "recipe.toml"
    head, _, tail = path.read_text().partition("[forest]")
    path.write_text(head + tail[tail.index("[output]") :])
    done = run(stage, path)
    if stage == "report":
        assert done.status == 0
    else:
        assert done.status == 1
        assert f"so there is nothing to {stage}; add the section" in done.err
