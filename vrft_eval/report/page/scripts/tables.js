// A click on a column's head sorts its table: numbers by size, "n/a" always last.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, table = head.closest("table"), column = head.cellIndex;
    const down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : head.matches(".n");
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyOf = (row) => {
      const text = row.cells[column].dataset.v ?? row.cells[column].textContent;
      return text === "" ? null : Number.isNaN(Number(text)) ? text : Number(text);
    };
    const keyed = [...table.tBodies[0].rows].map((row) => [keyOf(row), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
      return down ? -order : order;
    });
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  });
}
