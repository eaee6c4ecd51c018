"""The interpreters' page: pictures and series of each sampled place, and keys to answer with; one file, no network.

It shows nothing of what the map says: neither its class nor the stratum that a place was drawn from, and the places
stand in an order by chance.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from habitat.report.chips import Chips
from habitat.report.folder import RunFolder, read_folder
from habitat.report.words import season
from habitat.store import read_table, write_text

NAME = "assess/sheet.html"
_LETTERS = "qwertyuipasdfgjklzxcvbm"
"""Keys of a legend's classes; h, n, o, ? and digits are taken."""


def write_sheet_page(folder: Path, *, classes: str, chip_m: float) -> Path:
    """Write assess/sheet.html from assess/sample.parquet and the composites of a run's folder; return its path.

    Parameters
    ----------
    folder : Path
        The run's.
    classes : {"forest", "legend"}
        What is told apart.
    chip_m : float
        Side of the pictures, metres.
    """
    run = read_folder(folder)
    sample = read_table(folder / "assess" / "sample.parquet")
    years = run.years("forest")
    script = (files("habitat.report") / "interpretation.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("habitat.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sha256 = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    text = environment.get_template("interpretation.html.j2").render(
        name=run.name,
        season=season(run.setting("period", "season")),
        script=script,
        hash=sha256,
        data=_as_json(_content(run, sample, years, classes, chip_m)),
    )
    path = folder / NAME
    write_text(path, text)
    return path


def _content(run: RunFolder, sample: Any, years: list[int], classes: str, chip_m: float) -> dict[str, Any]:
    """All that the page needs to know, and nothing that it must not."""
    composites = [run.file("composites", f"{year}.tif") for year in years]
    chips = Chips(composites, sample["row"].to_numpy(), sample["col"].to_numpy(), side_m=chip_m)
    series = chips.series()
    spots = sample.geometry.to_crs(4326)
    points = [
        {
            "id": point,
            "lat": round(spot.y, 6),
            "lon": round(spot.x, 6),
            "chips": chips.picture(at),
            **{name: _rounded(values[at]) for name, values in series.items()},
        }
        for at, (point, spot) in enumerate(zip(sample["point"], spots, strict=True))
    ]
    return {
        "sample": sample["point"].iloc[0].rpartition("-")[0],
        "years": years,
        "side": chips.side,
        "classes": _classes(run, classes),
        "points": points,
    }


def _classes(run: RunFolder, classes: str) -> list[dict[str, Any]]:
    """What may be answered: its code, name, colour, key, and whether it is forest."""
    if classes == "forest":
        return [
            {"code": "F", "name": "forest", "color": "#2f7d4f", "key": "f", "forest": True},
            {"code": "N", "name": "not forest", "color": "#d9b45b", "key": "n", "forest": False},
        ]
    keys = dict(zip(run.legend.codes, _LETTERS, strict=False))
    return [
        {"code": str(c.code), "name": c.name, "color": c.color, "key": keys.get(c.code, ""), "forest": c.forest}
        for c in run.legend
    ]


def _rounded(values: np.ndarray) -> list[float | None]:
    return [round(float(value), 3) if np.isfinite(value) else None for value in values]


def _as_json(content: Any) -> str:
    """JSON that can stand in a page: no name can end the script that it stands in."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
