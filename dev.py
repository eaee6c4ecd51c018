"""Everything a developer or a newcomer needs, with nothing installed but Python and git.

    python dev.py demo        run the sample from its tiles to the report
    python dev.py test        all tests; `python dev.py test ARGS` passes ARGS to pytest instead
    python dev.py lint        ruff, mypy and the layers of the house
    python dev.py notebooks   run the notebooks' scripts and write the notebooks with their outputs
    python dev.py docs        write the API's pages to build/docs
    python dev.py setup       only install

The first call makes the folder .venv here and installs habitat into it from this checkout; it is installed
again only when pyproject.toml has changed. Nothing outside this folder is touched. Whoever keeps an
environment of their own can `pip install -e ".[dev]"` there and call pytest, ruff and the rest directly.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "habitat-installed"
OLDEST = (3, 11)
SAMPLE = ROOT / "sample_tiles" / "recipe.toml"


def demo(args: list[str]) -> None:
    """Run the sample and say where its report is."""
    import tomllib

    install("")
    began = time.monotonic()
    tool("habitat", "run", str(SAMPLE), *args)
    with SAMPLE.open("rb") as file:
        folder = SAMPLE.parent / tomllib.load(file)["output"]["folder"]
    say(f"finished in {time.monotonic() - began:.0f} s; open this page in a browser:")
    print(folder.resolve() / "report.html")
    say(f"for your own area: {shown(BIN / 'habitat')} init my_forest")


def test(args: list[str]) -> None:
    """Run the tests: all of them on up to four cores, or what pytest's arguments say."""
    install("dev")
    cores = min(4, os.cpu_count() or 1)
    module("pytest", *(args or ["-n", str(cores), "--dist", "loadfile"]))


def lint(args: list[str]) -> None:
    """Check style, format, types and layers."""
    install("dev")
    module("ruff", "check", *args)
    module("ruff", "format", "--check", *args)
    module("mypy")
    tool("lint-imports")


def notebooks(args: list[str]) -> None:
    """Run the notebooks' scripts and write the notebooks with their outputs."""
    install("dev")
    run(str(PYTHON), str(ROOT / "notebooks" / "build.py"), *args)


def docs(args: list[str]) -> None:
    """Write the API's pages from the docstrings."""
    install("dev")
    module("pdoc", "--docformat", "numpy", "--output-directory", str(ROOT / "build" / "docs"), *(args or ["habitat"]))
    say(f"written to {shown(ROOT / 'build' / 'docs')}")


def setup(_: list[str]) -> None:
    """Install everything, and nothing else."""
    install("dev")
    say(f"ready; activate it with: {activation()}")


COMMANDS = {command.__name__: command for command in (demo, test, lint, notebooks, docs, setup)}


# -- the environment ------------------------------------------------------------------------------------


def install(extras: str) -> None:
    """Bring .venv up to this checkout's pyproject.toml; "dev" holds all that the other extras hold."""
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    known = STAMP.read_text(encoding="utf-8").split() if STAMP.exists() and PYTHON.exists() else []
    if known and known[0] == wanted and (extras in known[1:] or "dev" in known[1:] or not extras):
        return
    if not PYTHON.exists():
        make_venv()
    say("installing habitat and what it needs (a few minutes, once)")
    target = f"{ROOT}[{extras}]" if extras else str(ROOT)
    run(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", target)
    STAMP.write_text(f"{wanted} {extras}\n", encoding="utf-8")


def make_venv() -> None:
    """Make .venv, or say what is missing on this machine."""
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        stop(
            f"this Python cannot make virtual environments; on Debian and Ubuntu: sudo apt install python{version}-venv"
        )
    say(f"making {shown(VENV)} with Python {sys.version.split()[0]}")
    run(sys.executable, "-m", "venv", "--clear", str(VENV))


def newer_python() -> str | None:
    """Path of a Python that is new enough, other than this one."""
    for name in ("python3.13", "python3.12", "python3.11", "python3", "python"):
        found = shutil.which(name)
        # A launcher on the PATH may stand for a version that is not there: ask it.
        check = f"import sys; sys.exit(sys.version_info[:2] < {OLDEST})"
        if found and subprocess.run([found, "-c", check], capture_output=True, check=False).returncode == 0:
            return found
    return None


def activation() -> str:
    """Command that activates .venv in this system's usual shell."""
    return f"{shown(BIN)}\\activate" if os.name == "nt" else f"source {shown(BIN / 'activate')}"


# -- processes and words --------------------------------------------------------------------------------


def run(*command: str) -> None:
    """Run a command here; end with its status if it fails."""
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def module(name: str, *args: str) -> None:
    """Run a module of .venv's Python."""
    run(str(PYTHON), "-m", name, *args)


def tool(name: str, *args: str) -> None:
    """Run a command that is installed in .venv."""
    run(str(BIN / (f"{name}.exe" if os.name == "nt" else name)), *args)


def shown(path: Path) -> str:
    """A path as one would type it from where one is."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def say(text: str) -> None:
    """Tell the user what happens, apart from results."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> NoReturn:
    """Say what is wrong and end."""
    say(text)
    sys.exit(1)


def main() -> None:
    """Run the command that was asked for, under a Python that is new enough."""
    name, args = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("--help", [])
    if name in ("-h", "--help"):
        print(__doc__.strip())
        return
    if name not in COMMANDS:
        say(f"no command {name!r}; there are: {', '.join(COMMANDS)}")
        sys.exit(2)
    if sys.version_info[:2] < OLDEST:
        newer = newer_python()
        if newer is None:
            stop(
                f"habitat needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {sys.version.split()[0]}; "
                "get one from https://www.python.org/downloads/ or your system's packages"
            )
        sys.exit(subprocess.run([newer, __file__, *sys.argv[1:]], check=False).returncode)
    try:
        COMMANDS[name](args)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
