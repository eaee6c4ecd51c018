"""The page says what the files say, and nothing that they do not."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from reading import Page

from habitat.errors import ReadError, StoreError
from habitat.report import write_report
from habitat.store import read_raster, read_table, write_json, write_raster, write_table


@pytest.fixture(scope="module")
def page(run_folder):
    return Page(run_folder / "report.html")


# -- one file that loads nothing ------------------------------------------------------------------------


def test_all_that_the_page_loads_is_in_it(run_folder, page):
    for tag, name, value in page.addresses:
        assert value.startswith(("#", "data:image/png;base64,")), (tag, name, value[:60])
    text = (run_folder / "report.html").read_text(encoding="utf-8")
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text


def test_it_is_one_small_whole_page(run_folder, page):
    text = (run_folder / "report.html").read_text(encoding="utf-8")
    assert text.lstrip().startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert len(text.encode()) < 5e6
    assert len(page.ids) == len(set(page.ids))
    anchors = {value[1:] for tag, name, value in page.addresses if name == "href"}
    assert anchors <= set(page.ids)


def test_every_picture_can_be_read_and_is_described(page):
    assert len(page.images) >= 12
    for image in page.images:
        assert len(image["alt"]) > 20
        picture = Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1])))
        wide, high = int(image["width"]), int(image["height"])
        assert picture.size == pytest.approx((2 * wide, 2 * high), abs=2)


def test_equal_runs_give_equal_pages(run_folder, tmp_path):
    copy = shutil.copytree(run_folder, tmp_path / "run")
    assert write_report(copy).read_bytes() == (run_folder / "report.html").read_bytes()


# -- the numbers are those of the files -----------------------------------------------------------------


def test_key_figures_are_those_of_the_files(run_folder, page):
    areas = pd.read_csv(run_folder / "areas.csv")
    last = areas[areas.year == 2021].set_index("what").estimate_ha
    loss = areas[areas.what == "loss"].set_index("year").estimate_ha
    share = pd.read_csv(run_folder / "occupancy/share.csv").iloc[0]
    found = json.loads((run_folder / "forest/validation.json").read_text())
    assert float(page.values["key-forest"]) == pytest.approx(last["forest"])
    assert float(page.values["key-loss"]) == pytest.approx(loss.sum())
    assert int(page.values["key-worst"]) == loss.idxmax()
    assert float(page.values["key-use-4"]) == pytest.approx(share.estimate)
    assert float(page.values["key-accuracy"]) == pytest.approx(found["balanced_accuracy"])
    assert page.text.count("pixel count") >= 4
    assert f"95% limits {share.lower:.0%} to {share.upper:.0%}" in page.text
    assert f"recorded in {share.naive:.0%} of {share.cells_surveyed:.0f} surveyed" in page.text


def test_a_last_year_that_saw_nothing_is_no_year_without_forest(run_folder, tmp_path):
    copy = shutil.copytree(run_folder, tmp_path / "run")
    codes, grid = read_raster(copy / "forest/2021.tif")
    write_raster(copy / "forest/2021.tif", np.zeros_like(codes), grid, ["code"], 0)
    areas = pd.read_csv(copy / "areas.csv")
    dark = areas["year"] == 2021
    unseen = areas["what"] == "not seen"
    areas.loc[dark & unseen, "estimate_ha"] = areas.loc[dark & ~areas["what"].eq("loss"), "estimate_ha"].sum()
    areas.loc[dark & ~unseen, "estimate_ha"] = 0.0
    areas.to_csv(copy / "areas.csv", index=False)
    page = Page(write_report(copy))
    forest = areas[areas["what"] == "forest"].set_index("year")["estimate_ha"]
    assert "Forest in 2020" in page.text
    assert float(page.values["key-forest"]) == pytest.approx(forest[2020])


def test_every_year_of_areas_is_on_the_page(run_folder, page):
    areas = pd.read_csv(run_folder / "areas.csv")
    text = (run_folder / "report.html").read_text(encoding="utf-8")
    for row in areas[areas.what.isin(["forest", "loss", "not seen"])].itertuples():
        assert f'<data value="{float(row.estimate_ha)}">' in text


def test_the_biggest_losses_come_first_with_their_place(run_folder, page):
    patches = read_table(run_folder / "change/patches.parquet").sort_values("area_ha", ascending=False)
    top = patches.head(6)
    told = re.findall(r"\d\. ([\d.]+) ha, (\d{4})", page.text)
    assert [float(area) for area, _ in told] == pytest.approx(top.area_ha.tolist(), abs=0.05)
    spot = top.geometry.representative_point().to_crs(4326).iloc[0]
    assert f"{spot.y:.4f}° N, {spot.x:.4f}° E" in page.text
    assert f"The 6 largest of {len(patches)} patches" in page.text


def test_a_loss_is_dated_from_the_last_year_that_was_seen(small_run):
    folder = small_run()
    code, grid = read_raster(folder / "forest/2020.tif")
    write_raster(folder / "forest/2020.tif", code * np.uint8(0), grid, ["code"], 0)
    page = Page(write_report(folder))
    assert "between the mapping seasons of 2019 and 2021; 2020 was not seen here" in page.text
    assert "Two satellite pictures of the place, 2019 and 2021; the loss is outlined." in {
        i["alt"] for i in page.images
    }


def test_days_kinds_and_what_loss_was_told_from_are_said_where_they_are_known(small_run):
    folder = small_run()
    patches = read_table(folder / "change/patches.parquet")
    earliest = pd.Series(pd.to_datetime(["2019-10-17"]).repeat(len(patches)))
    kinds = ["clear cut", *["don't know"] * (len(patches) - 1)]
    dated = patches.assign(earliest=earliest, latest=pd.Timestamp("2020-04-03"), kind=kinds, kind_probability=0.91)
    dated.loc[1:, "earliest"] = pd.NaT
    write_table(folder / "change/patches.parquet", dated)
    state = json.loads((folder / "run.json").read_text())
    told = {"evidence": ["maps", "breaks"], "scenes_read": 48, "smallest_ha": 0.52, "dated_share": 0.25}
    state["stages"]["change"]["notes"] = told
    write_json(folder / "run.json", state)
    text = Page(write_report(folder)).text
    assert text.count("Lost between 17 October 2019 and 3 April 2020") == 1
    assert "Lost between the mapping seasons of" in text
    assert "clear cut (91%)" in text
    assert "what happened is not known" in text
    assert "Loss was told from the yearly maps and breaks in all 48 looks. Breaks date 25% of it" in text
    assert "No patch below 0.52 ha is told." in text
    assert f"clear cut {patches['area_ha'].iloc[0]:.1f} ha 1" in text


def test_burnt_ground_is_told_where_it_was_looked_for(small_run):
    folder = small_run()
    assert "urnt" not in Page(write_report(folder)).text.replace("burnt grassland", "")
    state = json.loads((folder / "run.json").read_text())
    burns = {"fires": 1, "burnt_forest_ha": 12.34, "burnt_open_ha": 150.0, "opened_ha": 3.0, "fields_left_out": True}
    state["stages"]["change"]["notes"]["burns"] = burns
    write_json(folder / "run.json", state)
    text = Page(write_report(folder)).text
    assert (
        "Burnt at least once: 12.3 ha of forest and 150 ha of open ground, in 1 fire (pixel count; fields left out)"
        in text
    )
    assert "Open ground took the place of 3.0 ha of burnt forest." in text
    burns["fields_left_out"] = False
    write_json(folder / "run.json", state)
    assert "in 1 fire (pixel count)." in Page(write_report(folder)).text, "the legend has none"
    burns["fires"] = 0
    write_json(folder / "run.json", state)
    assert "No burnt ground was found." in Page(write_report(folder)).text


def test_limits_are_shown_where_they_were_estimated(small_run):
    folder = small_run()
    areas = pd.read_csv(folder / "areas.csv")
    stratified = areas.what.isin(["loss", "forest"])
    areas["method"] = areas["method"].where(~stratified, "stratified")
    areas.loc[stratified, ["lower", "upper", "n_samples"]] = [1.5, 222.0, 400]
    write_table(folder / "areas.csv", areas)
    page = Page(write_report(folder))
    assert "95% limits 1.5 ha to 222 ha" in page.text
    assert "limits of each bar are missing" not in page.text
    assert "sum of yearly estimates; their limits are in the table" in page.text


def test_data_quality_is_told(run_folder, page):
    assert re.search(r"2018\s+3\s+3\s+[\d.]+\s+6\.0%", page.text)
    assert "3 records could not be used" in page.text
    assert "no time" in page.text
    assert "spatial block cross-validation: 640 labels in blocks of 500 m, 5 folds" in page.text


def test_the_recipe_and_the_digests_are_there(run_folder, page):
    state = json.loads((run_folder / "run.json").read_text())
    for stage in state["stages"].values():
        for path, known in stage["outputs"].items():
            assert path in page.text
            assert known[:12] in page.text
    recipe = (run_folder / "recipe.toml").read_text(encoding="utf-8")
    assert " ".join(recipe.split()) in page.text
    for word in ("Forest", "Loss year", "Use, not occupancy", "Pixel count", "Not seen"):
        assert word in page.text


# -- what is not there ----------------------------------------------------------------------------------


def test_no_loss_at_all(small_run):
    page = Page(write_report(small_run(losses=False)))
    assert "No forest loss was found." in page.text
    assert page.values["key-loss"] == "0.0"
    assert "key-worst" not in page.values
    assert "Biggest losses left out: no loss was large enough to be listed." in page.text


def test_no_model_and_no_records(small_run):
    page = Page(write_report(small_run(modelled=False, events=False)))
    assert "No animal was recorded." in page.text
    assert "fewer than min_cells" in page.text
    assert "no estimate" in page.text
    assert "no model was fitted, so no limits" in page.text
    assert "width of the 95% limits" not in page.text


def test_one_year_only(small_run):
    page = Page(write_report(small_run(years=(2020,))))
    assert "Forest in 2020" in page.text
    assert "Forest loss left out" in page.text
    assert "key-loss" not in page.values


SECTIONS = {
    "occupancy": (["occupancy.parquet", "occupancy"], "Where the animals are left out"),
    "sightings": (["sightings.parquet", "effort.parquet", "quarantine.parquet"], "Sightings left out"),
    "cells": (["cells.parquet"], "Survey cells left out"),
    "change": (["change", "areas.csv"], "Forest loss left out"),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_that_the_recipe_leaves_out_is_one_line(small_run, section):
    folder = small_run()
    files, line = SECTIONS[section]
    for name in files:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    recipe = (folder / "recipe.toml").read_text(encoding="utf-8")
    (folder / "recipe.toml").write_text(re.sub(rf"\[{section}\].*?(?=\n\[|\Z)", "", recipe, flags=re.S))
    page = Page(write_report(folder))
    assert f"{line}: the recipe has no section [{section}]." in page.text


def test_composites_alone_are_enough_for_a_page(small_run):
    folder = small_run()
    for name in ("forest", "change", "occupancy"):
        shutil.rmtree(folder / name)
    for path in (*folder.glob("*.parquet"), *folder.glob("*.csv")):
        path.unlink()
    page = Page(write_report(folder))
    assert "Key figures left out" in page.text
    assert "How good the data are" in page.text


def test_what_was_not_recorded_is_said_to_be_so(small_run):
    folder = small_run()
    state = json.loads((folder / "run.json").read_text())
    for stage in state["stages"].values():
        stage |= {"notes": {}, "seconds": None}
    write_json(folder / "run.json", {"schema": 1, "stages": state["stages"]})
    write_json(folder / "forest/validation.json", {"balanced_accuracy": 0.9})
    page = Page(write_report(folder))
    assert "Scenes by sensor: not recorded." in page.text
    assert "versions not recorded" in page.text
    assert "nan" not in page.text.lower().replace("finance", "")
    assert "None" not in page.text


# -- what others wrote ----------------------------------------------------------------------------------


def test_text_of_others_stays_text(small_run):
    name = "<script>alert(1)</script> & <img src=http://example.org/x>"
    page = Page(write_report(small_run(name=name, species=("<i>Lynx</i> $x^2$",), years=(2020, 2021))))
    assert "script" not in page.tags
    assert "i" not in set(page.tags) - {"i"} or "<i>Lynx</i>" in page.text
    assert name in page.text
    assert all(not value.startswith("http") for _, _, value in page.addresses)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match="holds no run of habitat"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_damaged_table_is_named_and_the_old_page_kept(small_run):
    folder = small_run()
    before = write_report(folder).read_bytes()
    (folder / "cells.parquet").write_bytes(b"not parquet")
    with pytest.raises(ReadError, match=r"cells\.parquet"):
        write_report(folder)
    assert (folder / "report.html").read_bytes() == before


def test_a_broken_state_is_named(small_run):
    folder = small_run()
    (folder / "run.json").write_text("{")
    with pytest.raises(StoreError, match=r"run\.json"):
        write_report(folder)


# -- what could not be had ------------------------------------------------------------------------------


def test_holes_and_corrected_offsets_are_shown(run_folder, tmp_path):
    copy = shutil.copytree(run_folder, tmp_path / "run")
    state = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    state["stages"]["composite"]["notes"] |= {
        "reasons": {"an older processing of another scene": 2},
        "missing": [{"scene": "S2B_lost", "asset": "red", "reason": "answered 404 <not here>"}],
        "offsets": {"S2A_shifted": "red over vegetation is 0.03 without the item's offset"},
    }
    write_json(copy / "run.json", state)
    text = write_report(copy).read_text(encoding="utf-8")
    assert "2 scenes not used: an older processing of another scene." in text
    assert "1 scenes could not be had" not in text
    assert "1 scene could not be had" in text
    assert '<code>S2B_lost</code></td><td class="text">red: answered 404 &lt;not here&gt;' in text
    assert "red over vegetation is 0.03 without the item&#39;s offset" in text


# -- areas and accuracies from places that people looked at ----------------------------------------------


def assessed(folder: Path) -> None:
    """Write what the assess stage would: forest and loss, estimated from 100 places."""
    areas = pd.read_csv(folder / "areas.csv")
    last = int(areas["year"].max())
    span = f"loss {int(areas['year'].min()) + 1}-{last}"
    rows = {"estimate_ha": 12.0, "lower": 7.5, "upper": 31.0, "method": "stratified", "n_samples": 100}
    pd.concat([areas, pd.DataFrame([{"year": last, "what": span, **rows}])]).to_csv(folder / "areas.csv", index=False)
    told = {"se_ha": 3.0, "wald_lower": 6.1, "wald_upper": 17.9, "n_found": 9}
    write_table(folder / "assess/areas.csv", pd.DataFrame([{"year": last, "what": span, **rows, **told}]))
    share = {"estimate": 0.9, "se": 0.02, "lower": 0.85, "upper": 0.94, "wald_lower": 0.86, "wald_upper": 0.94}
    accuracy = [{"of": "loss", "measure": "overall", "class": "all", **share, "n_samples": 100}]
    for measure in ("user's", "producer's"):
        accuracy += [
            {"of": "loss", "measure": measure, "class": c, **share, "n_samples": 50} for c in (span, "no loss")
        ]
    write_table(folder / "assess/accuracy.csv", pd.DataFrame(accuracy))
    pairs = [(m, r, n) for m, r, n in ((span, span, 40), (span, "no loss", 10), ("no loss", span, 1))]
    pairs.append(("no loss", "no loss", 49))
    matrix = [{"of": "loss", "mapped": m, "reference": r, "n": n, "share": n / 100} for m, r, n in pairs]
    write_table(folder / "assess/error_matrix.csv", pd.DataFrame(matrix))


def test_areas_that_were_estimated_stand_with_their_limits(small_run) -> None:
    folder = small_run()
    assessed(folder)
    text = write_report(folder).read_text(encoding="utf-8")
    assert "How sure are the areas?" in text
    assert "7.5 ha to 31.0 ha" in text
    assert "6.1 ha to 17.9 ha" in text
    assert "90% (85% to 94%)" in text
    assert ">40</td>" in text.split("the map (rows) and what people saw")[1]
    key = text.split('id="key-loss"')[1][:300]
    assert "12.0 ha" in key
    assert "95% limits 7.5 ha to 31.0 ha" in key


def test_a_sample_without_answers_is_said_to_wait(small_run) -> None:
    folder = small_run()
    state = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    state["stages"]["assess"] = {"notes": {"points": 480}, "outputs": {}, "finished": True, "key": "x"}
    (folder / "run.json").write_text(json.dumps(state), encoding="utf-8")
    text = write_report(folder).read_text(encoding="utf-8")
    assert "480 places are drawn and wait for answers" in text


def test_no_area_of_a_map_stands_without_pixel_count_or_limits(small_run) -> None:
    """Every piece of text with hectares in it says what they are, itself or in the heading of its table or card."""
    text = write_report(small_run()).read_text(encoding="utf-8")
    body = re.sub(r"<(style|pre|script).*?</\1>", "", text, flags=re.S)
    body = re.sub(r'src="data:[^"]*"', "", body)
    pieces = re.findall(
        r"<li>.*?</li>|<table.*?</table>|<figure>.*?</figure>|<p[ >].*?</p>|<h3>.*?</h3>", body, flags=re.S
    )
    of_areas = [piece for piece in pieces if re.search(r"\d ha\b", piece)]
    bare = [p for p in of_areas if not re.search("pixel count|95% limits|cover less than", p)]
    assert of_areas
    assert not bare
