"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  for (const head of all("th button")) {
    head.addEventListener("click", () => {
      const cell = head.parentElement, body = cell.closest("table").tBodies[0], column = cell.cellIndex;
      const down = cell.getAttribute("aria-sort") !== "descending";
      for (const other of all("th", cell.parentElement)) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => {
        const text = row.cells[column].dataset.v ?? row.cells[column].textContent;
        return text === "" ? -Infinity : Number.isNaN(Number(text)) ? text : Number(text);
      };
      const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
      const rows = [...body.rows].sort((a, b) => compare(value(a), value(b)) * (down ? -1 : 1));
      body.append(...rows);
    });
  }

  const list = document.getElementById("samples");
  if (!list) return;
  const samples = all(".sample", list), original = [...samples];
  const category = document.getElementById("category"), order = document.getElementById("order");
  const search = document.getElementById("search"), found = document.getElementById("found");
  let outcome = "all";
  const texts = new Map(samples.map((sample) => [sample, sample.textContent.toLowerCase()]));

  const filter = () => {
    const words = search.value.toLowerCase().trim();
    let count = 0;
    for (const sample of samples) {
      const fits = (outcome === "all" || sample.dataset.outcome === outcome ||
          (outcome === "broken" && sample.dataset.broken === "1")) &&
        (category.value === "" || sample.dataset.category === category.value) &&
        (words === "" || texts.get(sample).includes(words));
      sample.hidden = !fits;
      count += fits ? 1 : 0;
    }
    found.textContent = count === samples.length ? "" : `${count} of ${samples.length}`;
  };
  for (const chip of all(".chips button")) {
    chip.addEventListener("click", () => {
      outcome = chip.dataset.outcome;
      for (const other of all(".chips button")) other.setAttribute("aria-pressed", String(other === chip));
      filter();
    });
  }
  category.addEventListener("change", filter);
  search.addEventListener("input", filter);
  order.addEventListener("change", () => {
    const sign = { low: 1, high: -1 }[order.value] ?? 0;
    const reward = (sample) => Number(sample.dataset.reward);
    list.append(...(sign ? [...original].sort((a, b) => sign * (reward(a) - reward(b))) : original));
  });
  for (const box of all(".tools input[type=checkbox]")) {
    box.addEventListener("change", () => list.classList.toggle(`no-${box.value}`, !box.checked));
  }
})();
