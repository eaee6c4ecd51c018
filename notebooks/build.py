"""Run the notebooks' scripts and write them, with what they show, as notebooks.

    python notebooks/build.py            rewrite every .ipynb beside its script
    python notebooks/build.py --check    run them all, write nothing here, fail if one fails or is out of date

A notebook is kept as a script (jupytext's percent format), which is what people edit and review. The .ipynb beside it
is made from it. Running a script again changes the .ipynb only if what it shows has changed: no times, no
random names, no versions are kept.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 1800
"""A cell may have to make the sample's run first."""

COLORS = re.compile(r"\x1b\[[0-9;]*m")
"""IPython paints its tracebacks for a terminal."""

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def scripts(folder: Path) -> list[Path]:
    """All notebooks' scripts, in their order."""
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def read_script(script: Path) -> Any:
    """Return a script as a notebook without outputs, the same each time."""
    notebook = jupytext.read(script)
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02}"
        cell["metadata"] = nbformat.from_dict({})
    return notebook


def execute(script: Path) -> Any:
    """Return a script as a notebook with its outputs; it runs in the folder where it lies."""
    notebook = read_script(script)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # it warns of its own sockets, which stay on this machine
        resources={"metadata": {"path": str(script.parent)}},
    )
    client.execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell["metadata"] = nbformat.from_dict({})
    return notebook


def complaints(notebook: Any) -> list[str]:
    """What a reader would stumble over: warnings and other words on standard error."""
    return [
        output["text"].strip()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]


def is_current(script: Path) -> bool:
    """Whether the notebook beside a script holds the script's words and code, and outputs."""
    path = script.with_suffix(".ipynb")
    if not path.exists():
        return False
    kept, wanted = nbformat.read(path, as_version=4), read_script(script)
    same = [(c["cell_type"], c["source"]) for c in kept.cells] == [(c["cell_type"], c["source"]) for c in wanted.cells]
    return same and any(cell.get("outputs") for cell in kept.cells)


def main(arguments: list[str] | None = None, folder: Path = HERE) -> int:
    """Build or check the notebooks of a folder; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="run all, write nothing here, fail on an error")
    check = parser.parse_args(arguments).check
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for script in scripts(folder):
            try:
                notebook = execute(script)
            except CellExecutionError as error:
                print(f"{script.name}: fails\n{COLORS.sub('', str(error))}", file=sys.stderr)
                failed += 1
                continue
            for complaint in complaints(notebook):
                print(f"{script.name}: writes to standard error: {complaint}", file=sys.stderr)
                failed += 1
            if check and not is_current(script):
                print(f"{script.name}: its .ipynb is out of date; run python notebooks/build.py", file=sys.stderr)
                failed += 1
            target = (Path(scratch) if check else folder) / script.with_suffix(".ipynb").name
            nbformat.write(notebook, target)
            print(f"{script.name}: {'runs' if check else f'written to {target.name}'}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
