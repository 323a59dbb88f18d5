// A click on the head of a column sorts the rows by it; a second click turns the order round.
for (const head of document.querySelectorAll("thead th")) {
  head.firstElementChild.addEventListener("click", () => {
    const rows = head.closest("table").tBodies[0];
    const column = head.cellIndex;
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const key = (row) => row.cells[column];
    const compared = (a, b) => {
      const [x, y] = [a, b].map((cell) => parseFloat(cell.dataset.sort));
      if (!isNaN(x) || !isNaN(y)) return (isNaN(x) ? -Infinity : x) - (isNaN(y) ? -Infinity : y);
      return a.textContent.localeCompare(b.textContent);
    };
    rows.append(...[...rows.rows].sort((a, b) => sign * compared(key(a), key(b))));
  });
}
