// Figures say what their markers stand for, under the pointer or by arrow keys; they and their data are saved as files;
// on a bias-variance plane a slider moves all estimators to one temperature.

// The rows of the tables, before anything sorts them: a marker names its cell by the number of its row.
const REGION = document.querySelector("[data-columns]");
const KEYS = REGION?.dataset.columns.split(" ") ?? [];
const ORACLES = REGION?.dataset.oracles.split(" ") ?? [];
const ROWS = [...document.querySelectorAll("table.digits tbody tr")];
const SHOWN = { b: ["bias_sq"], v: ["variance"], m: ["mse"], p: ["bias_sq", "variance", "mse"] };
const WORDED = { bias_sq: "bias²", variance: "variance", mse: "mse" };
const NEAR = 20; // pixels

function textOf(row, key) {
  return row.cells[KEYS.indexOf(key)]?.textContent.trim() ?? "";
}

function nameOf(row) {
  const [tau, samples] = [textOf(row, "temperature"), textOf(row, "num_samples")];
  return `${textOf(row, "estimator")}${tau && `, τ = ${tau}`}${samples > 1 ? `, S = ${samples}` : ""}`;
}

function valueOf(row, key, relative) {
  // "0.40 [0.36, 0.44]" in units of the gradient squared, or divided by |gradient|² as the axis is.
  const norm = Number(row.closest("table").dataset.norm);
  const text = textOf(row, key);
  if (!relative || !norm) return text;
  return text.replace(/-?\d+\.?\d*(?:e-?\d+)?/g, (number) => String(Number((number / norm).toPrecision(3))));
}

function readingOf({ row, letter }) {
  const relative = letter < "a";
  const said = SHOWN[letter.toLowerCase()].map((key) => {
    return `${WORDED[key]}${relative ? " / |∇|²" : ""} ${valueOf(row, key, relative) || "not known"}`;
  });
  const mark = textOf(row, "note");
  return [nameOf(row), ...said, row.closest("table").dataset.problem, ...(mark ? [`marked ${mark}`] : [])];
}

function markersOf(svg) {
  return [...svg.querySelectorAll("[data-cells]")].flatMap((group) => {
    const [letter, ...numbers] = group.dataset.cells.split(" ");
    const uses = [...group.querySelectorAll("use")];
    if (uses.length !== numbers.length) return [];
    return uses.map((use, at) => ({ use, letter, row: ROWS[numbers[at]] })).filter(({ row }) => row);
  });
}

function pointed(figure, svg, markers) {
  const sheet = figure.querySelector(".sheet");
  const tip = made("output", { className: "tip", hidden: true });
  const ring = made("span", { className: "ring", hidden: true });
  let at = -1;
  const say = (next) => {
    at = next;
    tip.hidden = ring.hidden = at < 0;
    if (at < 0) return;
    const { use } = markers[at];
    const [name, ...lines] = readingOf(markers[at]);
    tip.replaceChildren(made("b", { textContent: name }), ...lines.map((line) => made("span", { textContent: line })));
    const [box, mine] = [sheet.getBoundingClientRect(), use.getBoundingClientRect()];
    const [x, y] = [mine.x + mine.width / 2 - box.x, mine.y + mine.height / 2 - box.y];
    [ring.style.left, ring.style.top] = [`${x}px`, `${y}px`];
    tip.style.left = `${Math.max(4, Math.min(x + 12, box.width - tip.offsetWidth - 4))}px`;
    const above = y - tip.offsetHeight - 12;
    tip.style.top = `${above > 4 ? above : y + 12}px`;
  };
  const nearest = (event) => {
    let [best, least] = [-1, NEAR];
    for (const [index, { use }] of markers.entries()) {
      const { x, y, width, height } = use.getBoundingClientRect();
      const away = Math.hypot(x + width / 2 - event.clientX, y + height / 2 - event.clientY);
      if (away < least) [best, least] = [index, away];
    }
    if (best !== at) say(best);
  };
  svg.addEventListener("pointermove", nearest);
  svg.addEventListener("pointerdown", nearest);
  svg.addEventListener("pointerleave", () => document.activeElement === svg || say(-1));
  svg.addEventListener("blur", () => say(-1));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") say(-1);
    if (!step) return;
    event.preventDefault();
    say((at < 0 ? (step > 0 ? 0 : -1) + markers.length : at + step + markers.length) % markers.length);
  });
  svg.tabIndex = 0;
  sheet.append(ring, tip);
}

function slidden(figure, svg, markers) {
  const moving = markers.filter(({ row }) => textOf(row, "temperature"));
  const taus = [...new Set(moving.map(({ row }) => Number(textOf(row, "temperature"))))].sort((a, b) => a - b);
  if (taus.length < 2) return;
  const layer = document.createElementNS(svg.namespaceURI, "g");
  layer.setAttribute("class", "movers");
  svg.append(layer);
  const movers = new Map();
  const slider = made("input", { type: "range", min: 0, max: taus.length, step: 1, value: 0 });
  const said = made("output", { textContent: "all temperatures" });
  slider.addEventListener("input", () => {
    const tau = taus[slider.value - 1];
    svg.classList.toggle("slid", tau !== undefined);
    slider.setAttribute("aria-valuetext", tau === undefined ? "all temperatures" : `temperature ${tau}`);
    const here = markers.filter(({ row }) => [String(tau), ""].includes(textOf(row, "temperature")));
    for (const mover of movers.values()) mover.classList.add("away");
    for (const { use, row } of here) {
      if (!textOf(row, "temperature")) continue;
      const name = nameOf(row).replace(/, τ = [^,]*/, "");
      if (!movers.has(name)) {
        const mover = use.cloneNode();
        for (const side of ["x", "y", "class"]) mover.removeAttribute(side);
        movers.set(name, mover);
      }
      const mover = movers.get(name);
      mover.setAttribute("href", use.getAttribute("href"));
      mover.style.fill = getComputedStyle(use).fill;
      mover.classList.remove("away");
      mover.style.transform = `translate(${use.getAttribute("x")}px, ${use.getAttribute("y")}px) scale(2)`;
      if (!mover.parentNode) layer.append(mover); // where it begins it does not move to
    }
    const ranked = here
      .filter(({ row }) => !ORACLES.includes(textOf(row, "estimator").split("[")[0]))
      .map(({ row, letter }) => ({ row, letter, mse: numberOf(textOf(row, "mse")) }))
      .filter(({ mse }) => mse !== null)
      .sort((a, b) => a.mse - b.mse);
    const told = ranked.slice(0, 3).map(({ row, letter }) => {
      return `${nameOf(row).replace(/, τ = [^,]*/, "")} at ${valueOf(row, "mse", letter < "a")}`;
    });
    const unit = ranked.some(({ letter }) => letter < "a") ? " / |∇|²" : "";
    const text = `τ = ${tau}, least mse${unit} of one draw: ${told.join("; ")}`;
    said.textContent = tau === undefined ? "all temperatures" : text;
  });
  for (const { use } of moving) use.classList.add("warm");
  const label = made("label", {}, "Temperature ", slider);
  figure.querySelector(".sheet").after(made("p", { className: "slide" }, label, " ", said));
}

// Saving. The figure in the page is the file: the namespace is added, and what serves the page alone is left out.
function cleaned(svg) {
  const copy = svg.cloneNode(true);
  copy.querySelector(".movers")?.remove();
  for (const one of [copy, ...copy.querySelectorAll("[data-cells], [class]")]) {
    for (const name of ["data-cells", "class", "tabindex"]) one.removeAttribute(name);
  }
  return copy;
}

function given(text, type, download) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  made("a", { href, download }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

function csvOf(rows) {
  // Numbers as the tables print them, intervals in columns of their own, times in seconds.
  const ranged = new Set(KEYS.filter((key) => /_sq$|^variance$|^mse$|^seconds/.test(key)));
  const head = ["problem", ...KEYS.flatMap((key) => (ranged.has(key) ? [key, `${key}_lower`, `${key}_upper`] : [key]))];
  const lines = rows.map((row) => {
    const cells = KEYS.flatMap((key) => {
      const text = textOf(row, key);
      if (!ranged.has(key)) return [text];
      const value = numberOf(text);
      const unit = UNITS[/^\S+ ([a-z]+)/i.exec(text)?.[1]] ?? 1;
      const ends = /\[(.*), (.*)\]/.exec(text)?.slice(1).map((end) => Number((end * unit).toPrecision(6)));
      return [value === null ? "" : Number(value.toPrecision(6)), ...(ends ?? (value === null ? ["", ""] : [value, value]))];
    });
    return [row.closest("table").dataset.problem, ...cells].map((cell) => {
      return /[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell;
    });
  });
  return [head, ...lines].map((line) => `${line.join(",")}\n`).join("");
}

function saver(figure, title, text, press) {
  const button = made("button", { type: "button", className: "save", textContent: text });
  button.setAttribute("aria-label", `${text}: ${title.textContent}`);
  button.addEventListener("click", press);
  figure.append(button);
}

for (const said of document.querySelectorAll(".scripted")) said.classList.remove("scripted");

for (const figure of document.querySelectorAll("figure")) {
  const svg = figure.querySelector("svg[role=img]");
  if (!svg) continue;
  const title = svg.querySelector("title");
  const name = figure.dataset.name ?? title.id.replace(/-title$/, "");
  const markers = markersOf(svg);
  saver(figure, title, "Save as SVG", () => {
    const text = `<?xml version="1.0" encoding="utf-8"?>\n${new XMLSerializer().serializeToString(cleaned(svg))}\n`;
    given(text, "image/svg+xml", `${name}.svg`);
  });
  const tables = new Set(figure.dataset.tables?.split(" ").filter(Boolean).map((at) => document.querySelectorAll("table.digits")[at]));
  const rows = markers.length ? new Set(markers.map(({ row }) => row)) : ROWS.filter((row) => tables.has(row.closest("table")));
  const data = ROWS.filter((row) => new Set(rows).has(row));
  if (data.length) saver(figure, title, "Save data as CSV", () => given(csvOf(data), "text/csv", `${name}.csv`));
  if (!markers.length) continue;
  pointed(figure, svg, markers);
  if (name.endsWith("-plane")) slidden(figure, svg, markers);
}
