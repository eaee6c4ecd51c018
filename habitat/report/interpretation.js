"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { sample, years, side, classes, points } = data;
  const byCode = Object.fromEntries(classes.map((c) => [c.code, c]));
  const UNSURE = "?";
  const SURE = ["low", "medium", "high"];
  const slot = "habitat-sample-" + sample;
  const $ = (id) => document.getElementById(id);
  const known = Object.fromEntries(points.map((p) => [p.id, p]));

  // -- what was answered: { point: { codes: [a code a year, "" = none], confidence, note } }, kept in the browser

  let answers = {};
  let at = 0;
  let year = 0;
  let unsaved = false;

  function recall() {
    try {
      answers = JSON.parse(localStorage.getItem(slot) || "{}");
    } catch {
      answers = {};
    }
    for (const id of Object.keys(answers)) {
      if (!known[id] || !Array.isArray(answers[id].codes) || answers[id].codes.length !== years.length) delete answers[id];
    }
    const open = points.findIndex((p) => !isDone(p.id));
    at = open < 0 ? 0 : open;
  }

  function keep() {
    unsaved = true;
    try {
      localStorage.setItem(slot, JSON.stringify(answers));
      say("");
    } catch {
      say("This browser keeps nothing for pages like this one: save the CSV before you close it.");
    }
  }

  const of = (id) => (answers[id] ||= { codes: years.map(() => ""), confidence: "", note: "" });
  const isDone = (id) => Boolean(answers[id]) && answers[id].codes.every((code) => code !== "");
  const say = (words) => { $("said").textContent = words; };

  function answer(code, alone) {
    const mine = of(points[at].id);
    mine.codes.fill(code, year, alone ? year + 1 : years.length);
    keep();
    draw();
  }

  function verdict(codes) {
    if (codes.some((c) => c === "")) return codes.every((c) => c === "") ? "not answered yet" : "some years are open";
    const told = codes.map((c) => (c === UNSURE ? null : byCode[c].forest));
    if (told.every((t) => t === null)) return "cannot be told";
    const lost = [];
    const grown = [];
    let before = null;
    told.forEach((t, y) => {
      if (t === null) return;
      if (before === true && !t) lost.push(years[y]);
      if (before === false && t) grown.push(years[y]);
      before = t;
    });
    const words = [];
    if (lost.length) words.push("forest lost in " + lost.join(" and "));
    if (grown.length) words.push("forest grown by " + grown.join(" and "));
    if (!words.length) words.push(before ? "forest all along" : "no forest in any year");
    return words.join(", ");
  }

  // -- drawing

  function draw() {
    const point = points[at];
    const mine = answers[point.id] || { codes: years.map(() => ""), confidence: "", note: "" };
    const done = points.filter((p) => isDone(p.id)).length;
    $("at").textContent = `Place ${at + 1} of ${points.length}`;
    $("id").textContent = point.id;
    $("done").textContent = done === points.length ? "all answered" : `${done} answered, ${points.length - done} to go`;
    $("bar").style.width = (100 * done) / points.length + "%";
    $("year").textContent = years[year];
    $("verdict").textContent = verdict(mine.codes);
    $("place").textContent = `${point.lat.toFixed(5)}, ${point.lon.toFixed(5)} (latitude, longitude)`;
    if (document.activeElement !== $("note")) $("note").value = mine.note;
    [...$("sure").children].forEach((b, k) => b.classList.toggle("on", mine.confidence === SURE[k]));
    [...$("strip").children].forEach((cell, y) => {
      cell.classList.toggle("on", y === year);
      cell.setAttribute("aria-selected", y === year);
      cell.querySelectorAll(".chip").forEach((chip, row) => {
        chip.style.backgroundImage = `url(${point.chips})`;
        chip.style.backgroundSize = `${100 * years.length}% 200%`;
        chip.style.backgroundPosition = `${years.length > 1 ? (100 * y) / (years.length - 1) : 0}% ${100 * row}%`;
      });
      const plot = cell.querySelector("svg");
      const width = plot.clientWidth || 140;
      plot.setAttribute("viewBox", `0 0 ${width} 100`);
      plot.replaceChildren(...lines(point, y, width));
      const code = mine.codes[y];
      const box = cell.querySelector(".answer");
      box.textContent = code === "" ? "–" : code === UNSURE ? "cannot be told" : byCode[code].name;
      box.className = "answer" + (code === "" ? "" : code === UNSURE ? " unsure" : " told");
      box.style.background = byCode[code] ? byCode[code].color : "";
      box.style.color = byCode[code] ? inkOn(byCode[code].color) : "";
    });
    const cell = $("strip").children[year];
    const view = $("strip").parentElement;
    view.scrollLeft = Math.max(Math.min(view.scrollLeft, cell.offsetLeft), cell.offsetLeft + cell.offsetWidth - view.clientWidth);
  }

  function inkOn(color) {
    const [r, g, b] = [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));
    return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#1f2b25" : "#ffffff";
  }

  // The plots of the years join at their edges: each holds its dot and the halves of the lines to its neighbours.
  function lines(point, y, width) {
    const parts = [];
    const make = (kind, marks) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", kind);
      for (const [name, value] of Object.entries(marks)) node.setAttribute(name, value);
      parts.push(node);
      return node;
    };
    const height = (v) => 90 - 80 * Math.min(Math.max((v + 0.3) / 1.3, 0), 1);
    for (const v of [0, 0.5]) make("line", { x1: 0, x2: width, y1: height(v), y2: height(v), stroke: "#dfe5df" });
    for (const [name, color] of [["ndvi", "#2f7d4f"], ["ndmi", "#3b6fb0"]]) {
      const values = point[name];
      if (values[y] === null) continue;
      const here = height(values[y]);
      for (const [other, x] of [[y - 1, 0], [y + 1, width]]) {
        const next = values[other];
        if (next === null || next === undefined) continue;
        make("line", { x1: width / 2, y1: here, x2: x, y2: (here + height(next)) / 2, stroke: color, "stroke-width": 2 });
      }
      make("circle", { cx: width / 2, cy: here, r: 3.5, fill: color });
      const below = name === "ndmi" && !(values[y] > point.ndvi[y]);
      const mark = make("text", { x: width / 2, y: here + (below ? 15 : -7), "text-anchor": "middle", "font-size": 11, fill: color });
      mark.textContent = values[y].toFixed(2);
    }
    return parts;
  }

  function build() {
    const frame = 100 / side;
    $("strip").replaceChildren(...years.map((y, k) => {
      const cell = document.createElement("div");
      cell.className = "year";
      cell.setAttribute("role", "option");
      const label = document.createElement("b");
      label.textContent = y;
      cell.append(label);
      for (const title of ["true colour", "false colour: swir16, nir08, red"]) {
        const chip = document.createElement("div");
        chip.className = "chip";
        chip.title = title;
        const mark = document.createElement("i");
        for (const edge of ["left", "top"]) mark.style[edge] = `calc(${((side - 1) / 2) * frame}% - 1.5px)`;
        for (const length of ["width", "height"]) mark.style[length] = `calc(${frame}% + 3px)`;
        chip.append(mark);
        cell.append(chip);
      }
      const plot = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      plot.setAttribute("class", "plot");
      const box = document.createElement("div");
      box.className = "answer";
      cell.append(plot, box);
      cell.addEventListener("click", () => { year = k; draw(); });
      return cell;
    }));
    const legend = document.createElement("p");
    legend.className = "legend";
    for (const [name, color] of [["NDVI, how green", "#2f7d4f"], ["NDMI, how moist", "#3b6fb0"]]) {
      const entry = document.createElement("span");
      const line = document.createElement("i");
      line.style.background = color;
      entry.append(line, name);
      legend.append(entry);
    }
    $("strip").parentElement.after(legend);
    const choices = [...classes, { code: UNSURE, name: "cannot be told", color: "#ffffff", key: "?" }];
    $("classes").replaceChildren(...choices.map((c) => button(c.name, c.key, c.color, (e) => answer(c.code, e.shiftKey))));
    $("sure").replaceChildren(...SURE.map((name, k) => button(name, String(k + 1), null, () => sure(k))));
  }

  function button(name, key, color, act) {
    const node = document.createElement("button");
    if (color) {
      const mark = document.createElement("i");
      mark.style.background = color;
      node.append(mark);
    }
    node.append(name);
    if (key) {
      const hint = document.createElement("kbd");
      hint.textContent = key.toUpperCase();
      node.append(" ", hint);
    }
    node.addEventListener("click", (event) => { act(event); node.blur(); });
    return node;
  }

  // -- moving about

  function go(place) {
    at = Math.min(Math.max(place, 0), points.length - 1);
    year = 0;
    $("note").blur();
    draw();
  }

  function nextOpen() {
    for (let k = 1; k <= points.length; k++) {
      const place = (at + k) % points.length;
      if (!isDone(points[place].id)) return go(place);
    }
    say("Every place is answered: save the CSV.");
  }

  function sure(level) {
    of(points[at].id).confidence = SURE[level];
    keep();
    draw();
  }

  function clear() {
    delete answers[points[at].id];
    keep();
    draw();
  }

  function help() {
    const shown = $("how").hidden;
    $("how").hidden = !shown;
    $("help").setAttribute("aria-expanded", shown);
  }

  // -- CSV out and in

  const quoted = (text) => (/[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);

  function toCsv() {
    const rows = [["point", "longitude", "latitude", ...years, "confidence", "note"]];
    for (const point of points) {
      const mine = answers[point.id] || { codes: years.map(() => ""), confidence: "", note: "" };
      rows.push([point.id, point.lon, point.lat, ...mine.codes, mine.confidence, mine.note]);
    }
    return rows.map((row) => row.map((cell) => quoted(String(cell))).join(",")).join("\n") + "\n";
  }

  function fromCsv(text) {
    const rows = parse(text.replace(/^\ufeff/, ""));
    const head = rows.shift() || [];
    const places = ["point", ...years.map(String)].map((name) => head.indexOf(name));
    if (places.includes(-1)) return say("That file has not the columns of this sheet.");
    let taken = 0;
    for (const row of rows) {
      const id = row[places[0]];
      const codes = places.slice(1).map((k) => (row[k] || "").trim().toUpperCase());
      if (!known[id] || codes.every((c) => c === "") || codes.some((c) => c !== "" && c !== UNSURE && !byCode[c])) continue;
      answers[id] = { codes, confidence: row[head.indexOf("confidence")] || "", note: row[head.indexOf("note")] || "" };
      taken += 1;
    }
    keep();
    say(`${taken} answers were taken from the file.`);
    draw();
  }

  function parse(text) {
    const rows = [[""]];
    let inside = false;
    for (let k = 0; k < text.length; k++) {
      const c = text[k];
      const row = rows[rows.length - 1];
      if (inside && c === '"' && text[k + 1] === '"') { row[row.length - 1] += '"'; k++; }
      else if (c === '"') inside = !inside;
      else if (c === "," && !inside) row.push("");
      else if ((c === "\n" || c === "\r") && !inside) { if (row.length > 1 || row[0] !== "") rows.push([""]); }
      else row[row.length - 1] += c;
    }
    return rows.filter((row) => row.length > 1);
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([toCsv()], { type: "text/csv" }));
    link.download = `answers_${sample}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    unsaved = false;
    say(`Saved as ${link.download}: put it beside the recipe and name it in [assess] answers.`);
  }

  // -- keys

  const keys = Object.fromEntries(classes.filter((c) => c.key).map((c) => [c.key, c.code]));
  const moves = {
    ArrowLeft: () => { year = Math.max(year - 1, 0); draw(); },
    ArrowRight: () => { year = Math.min(year + 1, years.length - 1); draw(); },
    ArrowUp: () => go(at - 1),
    ArrowDown: () => go(at + 1),
    Enter: () => go(at + 1),
    Backspace: clear,
    "/": () => $("note").focus(),
    "?": (e) => answer(UNSURE, e.altKey),
    1: () => sure(0),
    2: () => sure(1),
    3: () => sure(2),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    if (event.target === $("note")) {
      if (event.key === "Escape" || event.key === "Enter") { event.preventDefault(); $("note").blur(); }
      return;
    }
    if (event.target instanceof HTMLButtonElement && (event.key === "Enter" || event.key === " ")) return;
    const letter = event.key.toLowerCase();
    if (moves[event.key]) moves[event.key](event);
    else if (letter in keys) answer(keys[letter], event.shiftKey);
    else if (letter === "o") nextOpen();
    else if (letter === "h") help();
    else return;
    event.preventDefault();
  });
  $("note").addEventListener("input", () => { of(points[at].id).note = $("note").value.replace(/[\r\n]+/g, " "); keep(); });
  $("prev").addEventListener("click", () => go(at - 1));
  $("next").addEventListener("click", () => go(at + 1));
  $("open").addEventListener("click", nextOpen);
  $("export").addEventListener("click", save);
  $("import").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", async () => {
    if ($("file").files.length) fromCsv(await $("file").files[0].text());
    $("file").value = "";
  });
  $("help").addEventListener("click", help);
  window.addEventListener("resize", draw);
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

  recall();
  build();
  if (!Object.keys(answers).length) help();
  draw();
  window.sheet = { toCsv, fromCsv };
})();
