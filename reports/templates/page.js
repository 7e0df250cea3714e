// Tables are sorted by a click on a column's head; without scripts they stay as they are.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const key = (row) => row.cells[place].dataset.sort ?? row.cells[place].textContent;
      const rows = [...table.tBodies[0].rows];
      const numbers = rows.every((row) => key(row) !== "" && !Number.isNaN(Number(key(row).replace("-inf", "-Infinity"))));
      const compare = numbers
        ? (a, b) => Number(key(a).replace("-inf", "-Infinity")) - Number(key(b).replace("-inf", "-Infinity"))
        : (a, b) => key(a).localeCompare(key(b), undefined, { numeric: true });
      rows.sort(compare);
      if (descending) rows.reverse();
      table.tBodies[0].append(...rows);
    });
  });
}
