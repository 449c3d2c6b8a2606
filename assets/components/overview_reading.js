// The numbers of the overview: unpacked, and what stands under a point, in words. No element is touched here.
import { bytes, clamp, decode, rounded } from "./numbers.js"

// The numbers, unpacked.
export function unpack({ strips, maps }) {
  for (const part of Object.values(strips))
    Object.assign(part, { numbers: decode(part.values), places: part.block > 256 ? new Uint16Array(bytes(part.at).buffer) : bytes(part.at) })
  for (const part of Object.values(maps)) part.numbers = decode(part.values)
}

// The last row or column that begins before a place; the first where none does.
export const nearest = (rows, at) => Math.max(0, rows.at.findLastIndex((from) => from <= at))

const named = (data, part, i) => { const tokens = data.tokens[part.tokens]; return `“${tokens.labels[i]}” (${tokens.at[i]})` }

// A few lines, and the number in bold. Without x the item as a whole.
export function read(data, item, x, y) {
  if (item.tip) return { lines: item.tip }
  const { part } = item, about = [`${part.about}${part.groups > 1 ? ", all heads side by side" : ""}`]
  const foot = [part.shape, item.key.replace("/all", "")]
  if (x === undefined) return { lines: about, foot }
  return (item.type === "map" ? readMap : readStrip)(data, item, about, foot, cellAt(item, x, y))
}

// [row, cell] of a strip or a map at a point.
export function cellAt(item, x, y) {
  const { part, rows } = item
  if (item.type === "map") return [nearest(rows, y - item.y), nearest(item.columns, x - item.x)]
  const cells = part.numbers.length / rows.at.length
  const row = item.single ? 0 : nearest(rows, item.upright ? x - item.x : y - item.y)
  return [row, clamp(Math.floor((item.upright ? (y - item.y) / item.h : (x - item.x) / item.w) * cells), 0, cells - 1)]
}

// Where a cell is drawn: [x, y, wide, tall].
export function cellPlace({ type, part, x, y, w, h, rows, columns, upright }, row, cell) {
  const cells = part.numbers.length / rows.at.length
  if (type === "map") return [x + columns.at[cell], y + rows.at[row], columns.size, rows.size]
  return upright ? [x + rows.at[row], y + h * cell / cells, rows.size, h / cells] : [x + w * cell / cells, y + rows.at[row], w / cells, rows.size]
}

// The middle of the chosen token's numbers.
export function middleOfChosen({ x, y, w, h, rows, single, upright }) {
  const row = single ? 0 : rows?.chosen ?? 0, middle = rows && rows.at[row] + rows.size / 2
  return upright ? [x + middle, y + h / 2] : [x + w / 2, y + middle]
}

function readMap(data, { part, mask }, about, foot, [row, column]) {
  const at = row * part.shown[1] + column, value = part.numbers[at], hidden = mask && !data.maps[mask].numbers[at]
  const looked = data.tokens[part.columns]
  const number = part.scale === "mask" ? (value ? "may look" : "blocked") : rounded(value, 5) + (hidden ? " (blocked)" : "")
  return { cell: [row, column], lines: [...about, `${named(data, part, row)} → “${looked.labels[column]}” (${looked.at[column]})`], foot, value: number }
}

function readStrip(data, item, about, foot, [row, cell]) {
  const { part } = item, cells = part.numbers.length / item.rows.at.length
  const who = item.single ? [] : [named(data, part, row)]
  const head = part.groups > 1 ? [`head ${Math.floor(cell / (cells / part.groups))}`]
    : part.index.length ? [`${part.set ?? "head"} ${part.index[0]}`] : []
  return { cell: [row, cell], lines: [...about, ...(item.go ? [item.go] : []), [...who, ...head].join(", "), dimensionsOf(part, cells, row, cell)],
    value: rounded(part.numbers[row * cells + cell], 5), foot: [...foot, `full colour from ±${rounded(part.limit, 3)}`] }
}

// A cell stands for a block of dimensions: the largest of them.
function dimensionsOf(part, cells, row, cell) {
  const from = (cell % (cells / part.groups)) * part.block, to = Math.min(from + part.block, part.size) - 1, of = part.of ?? "dimension"
  if (from === to) return `${of} ${from}`
  return `${of}s ${from}–${to}, the largest of them: ${of} ${from + part.places[row * cells + cell]}`
}
