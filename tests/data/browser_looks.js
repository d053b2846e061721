// What tests/test_browser.py asks of a page; loaded after it, into the page.
const seen = (element) => element.checkVisibility() && element.getClientRects().length > 0;

const looks = {
  // For each sortable column: its texts and aria-sort after a first and after a second press of its heading.
  columns: () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    return [...document.querySelectorAll("table.data, table.sortable")].flatMap((table) =>
      [...table.tHead.rows[0].cells].map((head, column) => {
        const rounds = [0, 1].map(() => {
          head.querySelector("button").click();
          const texts = [...table.tBodies[0].rows].map((row) => row.cells[column].textContent.trim());
          return { texts, sorts: [...table.querySelectorAll("th")].map((one) => one.getAttribute("aria-sort")) };
        });
        return { name: head.textContent, column, numeric: head.matches(".number, .sized"), rounds };
      }),
    );
  },
  // A region's rows: what a reader knows of each, and whether it is seen.
  rows: (region) =>
    [...document.querySelector(region).querySelectorAll("tbody tr")].map((row) => {
      const cells = [...row.cells, row.closest("details")?.querySelector("summary")].filter(Boolean);
      return { text: cells.map((cell) => cell.textContent).join(" "), seen: seen(row) };
    }),
  // Contrast of each element that holds text of its own, against the nearest background that is one.
  contrasts: () => {
    const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = (element) => {
      for (let one = element; one; one = one.parentElement) {
        const colour = parts(getComputedStyle(one).backgroundColor);
        if (colour.length < 4 || colour[3] > 0) return colour;
      }
      return [255, 255, 255];
    };
    const texts = [...document.querySelectorAll("body *:not(svg *, script)")].filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
    );
    const worst = {};
    for (const element of texts) {
      const pair = [light(parts(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
      const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
      const kind = element.closest(".muted, .question, dt, figcaption") ? "muted" : element.localName;
      worst[kind] = Math.min(worst[kind] ?? 99, ratio);
    }
    return { worst, paper: light(parts(getComputedStyle(document.body).backgroundColor)) };
  },
  // What reaches over the right edge of the window, but for what can be scrolled to.
  cut: () => {
    const width = document.documentElement.clientWidth;
    const over = [...document.querySelectorAll("body *:not(svg *)")].filter((element) => {
      const scrolled = element.parentElement.closest(".scroll, pre");
      if (scrolled && getComputedStyle(scrolled).overflowX === "auto") return false;
      return element.getBoundingClientRect().right > width + 0.5;
    });
    const names = over.map((element) => `${element.localName}.${element.className}: ${element.textContent.slice(0, 40)}`);
    return { names: names.slice(0, 5), over: document.documentElement.scrollWidth - width };
  },
  // Each figure's role, and its name and description as its labels give them.
  figures: () =>
    [...document.querySelectorAll("svg:not(svg svg), img")].map((figure) => {
      const labels = (figure.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id));
      return { role: figure.getAttribute("role"), labels: labels.map((one) => [one?.localName, one?.textContent.trim()]) };
    }),
  // How many folds are closed as printing begins, in window.folds.
  folds: () => {
    window.folds = -1;
    addEventListener("beforeprint", () => {
      window.folds = document.querySelectorAll("details:not([open])").length;
    });
  },
  // Write words into every filter.
  filter: (words) => {
    for (const field of document.querySelectorAll(".filter input")) {
      field.value = words;
      field.dispatchEvent(new Event("input"));
    }
  },
  // What only makes sense on a screen and is seen.
  controls: () => [...document.querySelectorAll("input, label, button.save, nav")].filter(seen).length,
  // Rows that are not seen.
  hidden: () => [...document.querySelectorAll("tbody tr")].filter((row) => !seen(row)).length,
};
