// What the cells of a heatmap say.
import { foldedPlace } from "./heatmap_geometry.js"
import { rounded } from "./numbers.js"
import { isNumbered } from "./words.js"

const written = (x) => (x === -Infinity ? "−∞ (blocked)" : Number.isNaN(x) ? "none" : rounded(x, 5))

// A cell in words: where it stands, and its number.
export function read(data, [panel, row, column]) {
  const [, , columns] = data.shape
  if (data.folded) {
    const place = foldedPlace(columns, data.folded, row, column)
    return place === null ? ["", ""] : [`${data.foldedAs} ${place}`, written(data.numbers[place])]
  }
  const number = spoken(data, panel, row, column)
  const which = isNumbered(data.rows) ? `${data.rowsTitle || "row"} ${data.rows[row]}` : data.rows[row]
  const place = isNumbered(data.columns) ? `${which}, ${data.columnsTitle || "column"} ${data.columns[column]}`
    : `${data.rows[row]} → ${data.columns[column]}`
  return [data.labelled ? place : `${data.titles[panel]}\n${place}`, number]
}

function spoken(data, panel, row, column) {
  const [, rows, columns] = data.shape, value = data.numbers[(panel * rows + row) * columns + column]
  if (data.kind === "mask") return value ? "1 (may look)" : "0 (blocked)"
  return data.hidden?.[row * columns + column] ? `${written(value)} (blocked)` : written(value)
}

// What goes down and what goes across; where not all of it is in sight, how much there is.
export function axesText(data, view, g) {
  const [down, right] = [data.rowsTitle, data.columnsTitle]
  const beyond = (g.wide - view.width > 1 ? " →" : "") + (g.tall - view.height > 1 ? " ↓" : "")
  const all = data.labelled && beyond.includes("→") ? `${data.shape[2]} in all: ` : ""
  const more = beyond ? `(${all}scroll${beyond})` : ""
  const same = g.down > 1 && !g.between && data.columns.join() === data.rows.join()
  return [down ? `↓ ${down}   → ${right}` : "", same ? "Columns: the words of the rows, from left to right." : "", more].filter(Boolean).join(" ")
}

// The scale in words, and its colours: as a gradient of CSS, and stop by stop.
export function legendOf(data, stops) {
  if (data.kind === "mask") {
    const hidden = "rgba(128, 136, 150, 0.3)"           // in a saved picture; on the screen it is hatched
    return { ends: ["blocked", "", "may look"], colours: `transparent 50%, ${stops[5]} 50%`, hatched: true,
      ramp: [[0, hidden], [0.5, hidden], [0.5, stops[5]], [1, stops[5]]] }
  }
  const low = data.kind === "signed" ? -data.limit : 0
  return { ends: [low, (low + data.limit) / 2, data.limit].map((x) => rounded(x, 3)), colours: stops.join(), ramp: stops.map((colour, i) => [i / (stops.length - 1), colour]) }
}
