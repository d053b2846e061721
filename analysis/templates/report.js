// Tables sort by their headings, regions filter by words, printing shows everything; figures.js is about figures.
// The page is complete without this script; what works only with it is made by it.
"use strict";

function made(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// Sorting. A cell counts as its first number, in seconds or bytes where it has a unit; what has none comes last.
const UNITS = { ns: 1e-9, us: 1e-6, ms: 1e-3, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const NUMBER = /^[<>~]?\s*(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?: \+ ([\d.]+))?\s*([a-z]+)?/i;
const WORDS = new Intl.Collator("en", { numeric: true });

function numberOf(text) {
  // "1.2 [1.1, 1.3]" is 1.2, "12 us" 12e-6, "<1e-4" 1e-4, "1,300 times" 1300, "2 + 1" 3; "" and "none" are null.
  const found = NUMBER.exec(text.replace("\u2212", "-").replace(/(\d),(?=\d{3})/g, "$1"));
  return found && (Number(found[1]) + Number(found[2] ?? 0)) * (UNITS[found[3]] ?? 1);
}

function sort(table, column, numeric, sign) {
  const keyed = [...table.tBodies[0].rows].map((row) => {
    const text = row.cells[column].textContent.trim();
    return { row, key: numeric ? numberOf(text) : text || null };
  });
  keyed.sort(({ key: a }, { key: b }) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (numeric ? a - b : WORDS.compare(a, b));
  });
  table.tBodies[0].append(...keyed.map(({ row }) => row));
}

for (const table of document.querySelectorAll("table.data, table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    const button = made("button", { type: "button", title: "Sort by this column" }, ...head.childNodes);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(table, column, head.matches(".number, .sized"), down ? -1 : 1);
    });
    head.append(button);
  }
}

// Filtering. A row stays if all words occur in it or in the heading of its fold; folds open on what they hold.
const FEW = 8; // rows that need no field

for (const region of document.querySelectorAll("[data-filter]")) {
  const folds = [...region.querySelectorAll("details")].map((fold) => ({ fold, open: fold.open }));
  const rows = [...region.querySelectorAll("tbody tr")].map((row) => {
    const cells = [...row.cells, row.closest("details")?.querySelector("summary")];
    return { row, text: cells.map((cell) => cell?.textContent ?? "").join(" ").toLowerCase() };
  });
  if (rows.length <= FEW) continue;
  const what = region.dataset.filter;
  const field = made("input", { type: "search", placeholder: region.dataset.example ?? "", autocomplete: "off" });
  const count = made("output", { textContent: `${rows.length} ${what}` });
  let before = "";
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!before) for (const one of folds) one.open = one.fold.open;
    before = words.join(" ");
    let shown = 0;
    for (const { row, text } of rows) {
      const fits = words.every((word) => text.includes(word));
      row.classList.toggle("out", !fits);
      shown += fits;
    }
    for (const { fold, open } of folds) {
      const any = fold.querySelector("tbody tr:not(.out)") !== null;
      fold.classList.toggle("out", !any);
      fold.open = before ? any : open;
    }
    count.textContent = before ? `${shown} of ${rows.length} ${what}` : `${rows.length} ${what}`;
  });
  region.prepend(made("p", { className: "filter" }, made("label", {}, `Filter the ${what}: `, field), " ", count));
}

// Printing. Folded parts are opened first and folded again after; the style sheet brings back filtered rows.
const folded = [];
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) {
    folded.push(part);
    part.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const part of folded.splice(0)) part.open = false;
});
