// The numbers of a heatmap as a table with headers: of several maps those of the chosen one.
import { make, set } from "./dom.js"
import { read } from "./heatmap_reading.js"

const MOST_ROWS = 64, MOST_COLUMNS = 128

export function showTable(parts, data) {
  const { table: home, asTable } = parts, panel = data.chosen ?? 0
  set(asTable, "ariaExpanded", String(!home.hidden))
  const shown = home.hidden ? null : [data.text, data.packed, data.blocked]
  if (shown && parts.shown?.every((part, i) => part === shown[i])) return
  parts.shown = shown
  home.replaceChildren()
  if (!shown) return
  fill(make("div", "numbers", home), data, panel)
}

function fill(box, data, panel) {
  const [, rows, columns] = data.shape, table = make("table", "", box)
  const cut = rows > MOST_ROWS || columns > MOST_COLUMNS ? ` (the first ${MOST_ROWS} rows and ${MOST_COLUMNS} columns)` : ""
  box.tabIndex = 0
  make("caption", "", table, (data.titles[panel] || "Numbers") + cut)
  const top = make("tr", "", make("thead", "", table)), body = make("tbody", "", table)
  make("th", "", top, data.rowsTitle || "").scope = "col"
  for (const label of data.columns.slice(0, MOST_COLUMNS)) make("th", "", top, label).scope = "col"
  data.rows.slice(0, MOST_ROWS).forEach((label, row) => {
    const line = make("tr", "", body)
    make("th", "", line, label).scope = "row"
    for (let c = 0; c < Math.min(columns, MOST_COLUMNS); c++) make("td", "", line, read(data, [panel, row, c])[1])
  })
}
