// The numbers of the overview: unpacked, and what stands under a point, in at most three lines. No element is touched here.
import { bytes, clamp, decode, percent, rounded } from "./numbers.js"
import { shorten } from "./words.js"

// The numbers, unpacked.
export function unpack({ strips, maps, tokens }) {
  for (const part of Object.values(strips)) {
    const numbers = decode(part.values), rows = part.single ? 1 : tokens[part.tokens].labels.length
    const places = part.block > 256 ? new Uint16Array(bytes(part.at).buffer) : bytes(part.at)
    Object.assign(part, { numbers, places, cells: numbers.length / rows })
  }
  for (const part of Object.values(maps)) part.numbers = decode(part.values)
}

// A share as it is written beside a bar.
export const shareWords = (share) => percent(share, share >= 0.0995 ? 0 : 1)

// The last row or column that begins before a place; the first where none does.
export const nearest = (rows, at) => Math.max(0, rows.at.findLastIndex((from) => from <= at))

// Where a word stands, if the same word stands there twice.
function placeOf(tokens, i) {
  const label = tokens.labels[i]
  return tokens.labels.indexOf(label) === tokens.labels.lastIndexOf(label) ? "" : ` (${tokens.at[i]})`
}

// A word, and its position where the same word stands there twice: within quotes, or as a label of at most so many letters.
export const named = (tokens, i) => `“${tokens.labels[i]}”${placeOf(tokens, i)}`
export function labelled(tokens, i, most = Infinity) {
  const label = tokens.labels[i], whole = label + placeOf(tokens, i)
  return whole.length <= most ? whole : shorten(label, most)
}

// { lines: at most two, value: the number in bold, cell: [row, cell] }. Without x the item as a whole.
export function read(data, item, x, y) {
  if (item.type === "bar") return { lines: item.tip.filter(Boolean), value: item.cosine ? rounded(item.share, 3) : barWords(item.word),
      cell: item.cell }
  if (item.tip) return { lines: item.tip }
  if (x === undefined) return { lines: [item.part.about] }
  return (item.type === "map" ? readMap : readStrip)(data, item, cellAt(item, x, y))
}

// A cell of a strip or a map in one line, with its number.
export function readCell(data, item, cell) {
  const { lines, value, exact = value } = (item.type === "map" ? readMap : readStrip)(data, item, cell)
  return `${lines.join(", ")}: ${exact}`
}

const barWords = ({ share, before }) => (before == null ? shareWords(share) : `${shareWords(share)}, before ${shareWords(before)}`)

// [row, cell] of a strip or a map at a point.
export function cellAt(item, x, y) {
  const { part, rows } = item
  if (item.type === "map") return [nearest(rows, y - item.y), nearest(item.columns, x - item.x)]
  const row = item.single ? 0 : rows.only ?? nearest(rows, item.upright ? x - item.x : y - item.y)
  return [row, clamp(Math.floor((item.upright ? (y - item.y) / item.h : (x - item.x) / item.w) * part.cells), 0, part.cells - 1)]
}

// Where a cell is drawn: [x, y, wide, tall].
export function cellPlace({ type, part, x, y, w, h, rows, columns, upright, inset = 0 }, row, cell) {
  if (type === "map") return [x + columns.at[cell], y + rows.at[row], columns.size - 1, rows.size - 1]
  const at = rows.at[rows.only === undefined ? row : 0], { cells } = part
  return upright ? [x + at, y + h * cell / cells, rows.size - 1, h / cells]
    : [x + w * cell / cells, y + at + inset, w / cells, rows.size - 2 * inset]
}

// The column of a cell of the map, with its name above it.
export const wholeColumn = ({ x, y, h, columns, head }, [, cell]) => [x + columns.at[cell], y - head, columns.size - 1, h + head]

// The place of the chosen token's numbers.
export function middleOfChosen({ type, x, y, w, h, rows, single, upright }) {
  const at = single || rows.only !== undefined ? 0 : rows.chosen ?? 0, middle = rows.at[at] + rows.size / 2
  if (type === "map") return [x + w / 2, y + middle]
  return upright ? [x + middle, y + h / 2] : [x + w / 2, y + middle]
}

function readMap(data, { part, mask }, [row, column]) {
  const at = row * part.shown[1] + column, hidden = mask && !data.maps[mask].numbers[at], tokens = data.tokens
  const lines = [`${named(tokens[part.tokens], row)} looks at ${named(tokens[part.columns], column)}`]
  if (hidden) return { cell: [row, column], lines, value: "blocked by the mask" }
  return { cell: [row, column], lines, value: shareWords(part.numbers[at]), exact: rounded(part.numbers[at]) }
}

function readStrip(data, { part, single }, [row, cell]) {
  const who = single ? [] : [named(data.tokens[part.tokens], row)]
  const head = part.index.length ? [`${part.set ?? "head"} ${part.index[0]}`] : []
  return { cell: [row, cell], lines: [[part.about, ...who, ...head].join(" · "), dimensionOf(part, row, cell)],
    value: rounded(part.numbers[row * part.cells + cell], 4) }
}

// Which dimension a cell shows, and for how many it stands.
function dimensionOf(part, row, cell) {
  const from = cell * part.block, to = Math.min(from + part.block, part.size) - 1, of = part.of ?? "dimension"
  const at = from + part.places[row * part.cells + cell], kind = part.largest ? "the largest" : "middle-sized"
  return from === to ? `${of} ${from}` : `${of} ${at}, ${kind} of ${from}–${to}`
}

// Where a tip stands, [left, top], beside what it speaks of and within what is seen: above it, or below where there is no room.
export function tipPlace({ wide, tall }, about, seen, gap = 10) {
  const left = clamp(about.x + about.w / 2 - wide / 2, seen.left, Math.max(seen.left, seen.right - wide)), above = about.y - gap - tall
  return [left, above >= seen.top || about.y + about.h + gap + tall > seen.bottom ? above : about.y + about.h + gap]
}
