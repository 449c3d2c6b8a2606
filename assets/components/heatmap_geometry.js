// Where the cells of a heatmap stand, in pixels of the whole picture. No element is touched here.
//
// A geometry g: w, h of a cell; left, top of the first map; head above each map, gap between maps, foot below the last for the names
// of the columns; between: the same below the lines before it; across, down: how many maps stand beside and below each other; labels: room for the names beside a box that
// scrolls; limit: how tall the box may be; wide, tall: the whole picture.
import { clamp } from "./numbers.js"
import { isNumbered } from "./words.js"

const LONGEST = 14          // letters of a name, where nobody has measured it
const SMALLEST = 6          // pixels of a cell among many heads, before the reader zooms out
const BAR = 12              // pixels that a bar for scrolling may take
const EDGE = 4              // pixels of a picture beyond its cells: the frames of the last ones
const FILLED = 90            // pixels of a cell at most in a map that fills its room
const NARROW = 11           // pixels of a column that still has room for its name
const WIDEST = 150, SHARE = 0.3     // pixels of a name beside its row, and of the figure's width that names may take
const TALLEST = 112                 // pixels of a name below its column
const BETWEEN = 54, SHRUNK = 0.85   // pixels of a name between two lines of maps, and what a cell may lose for it

const labelWidth = (words) => 14 + 7 * words.reduce((most, word) => Math.max(most, Math.min(word.length, LONGEST)), 0)

// The room of the names: what the longest one takes, as it was measured (`wide`), or as its letters let expect; up to a limit.
const rowRoom = ({ rows, wide }, width) => Math.min(wide ? 14 + Math.ceil(wide.rows) : labelWidth(rows), WIDEST, SHARE * width)
const columnRoom = ({ columns, wide }) => Math.min(wide ? 14 + Math.ceil(wide.columns) : labelWidth(columns), TALLEST)

// highest: how tall a box may be. A map that is too tall for its box leaves room for its scroll bar.
export function geometry(data, width, zoom, highest) {
  const g = laidOut(data, width, zoom, highest)
  return g.tall > g.limit ? laidOut(data, width - BAR, zoom, highest) : g
}

function laidOut(data, width, zoom, highest) {
  const g = (data.labelled ? oneMap : manyHeads)(data, width, zoom, highest), [panels, rows, columns] = data.shape
  g.wide = Math.ceil(corner(g, data.shape, Math.min(g.across, panels) - 1)[0] + columns * g.w + 3)
  g.tall = Math.ceil(corner(g, data.shape, g.across * (g.down - 1))[1] + rows * g.h + g.foot + 3)
  return g
}

function oneMap(data, width, zoom, highest) {
  const [, rows, columns] = data.shape
  const labels = rowRoom(data, width), numbered = isNumbered(data.columns)
  const fit = (width - labels - EDGE) / columns
  const most = data.fills ? FILLED : 40
  const w = numbered || fit < NARROW ? clamp(fit, numbered ? 7 : 20, most) : Math.min(fit, most)
  const h = data.folded ? 15 : rows > 24 ? 17 : 25
  return { labels, w: w * zoom, h: h * zoom, left: 0, top: 0, head: 0, gap: 0, across: 1, down: 1, limit: highest,
    foot: numbered ? 20 : columnRoom(data) }
}

// All heads of a layer. A cell never begins smaller than one can click; then the maps scroll in their box. tallest: pixels within
// which all of them should be seen at once; then more stand beside each other, as long as each is 90 wide.
function manyHeads(data, width, zoom, highest) {
  const [panels, rows, columns] = data.shape, gap = 14
  const long = Math.max(rows, columns) > 16, narrow = width < 480, left = rowRoom(data, width)
  const most = Math.max(narrow ? 2 : 1, Math.floor((width - left + gap) / (long ? 190 + gap : 170)))
  const space = width - left - EDGE + gap, foot = columnRoom(data)
  const side = (across) => clamp(space / across - gap, 90, 290)
  const beside = (lines) => Math.ceil(panels / lines)
  const low = (lines) => lines * (side(beside(lines)) * rows / columns + gap + 20) + foot <= data.tallest
  let lines = Math.ceil(panels / most)
  while (data.tallest && lines > 1 && !low(lines) && space / beside(lines - 1) - gap >= 90) lines -= 1
  const wanted = beside(lines), fit = side(wanted) / columns
  const between = zoom === 1 && fit >= SMALLEST && lines > 1 ? Math.min(foot, BETWEEN) : 0
  const room = (data.tallest - lines * (gap + 20) - (lines - 1) * between - foot) / (lines * rows)
  const named = between && (narrow || !data.tallest || room >= SHRUNK * fit)      // else the last line alone names its columns
  const w = Math.max(SMALLEST, named && !narrow && data.tallest ? Math.min(fit, room) : fit)
  const fitting = (w, most) => clamp(Math.floor(space / (w * columns + gap) + 1e-9), 1, most)
  const across = zoom < 1 ? fitting(w * zoom, panels) : named ? wanted : fitting(w, wanted)
  return { labels: 0, w: w * zoom, h: w * zoom, left, top: 0, head: 20, gap, across, named: true, between: named ? between : 0, down: Math.ceil(panels / across),
    foot, limit: w > fit || zoom !== 1 ? highest : Infinity }
}

// The upper left corner of a map.
export const corner = (g, shape, panel) => [g.left + (panel % g.across) * (shape[2] * g.w + g.gap),
  g.top + g.head + Math.floor(panel / g.across) * lineOf(g, shape)]

// From a line of maps to the next.
const lineOf = (g, shape) => shape[1] * g.h + g.gap + g.head + (g.between ?? 0)

// The place of a cell: [x, y, wide, tall].
export function placeOf(data, g, [panel, row, column]) {
  const [left, top] = corner(g, data.shape, panel)
  return [left + column * g.w, top + row * g.h, g.w, g.h]
}

// [panel, row, column] at a point, or null.
export function cellAt(g, shape, x, y) {
  const [panels, rows, columns] = shape
  const i = clamp(Math.floor((x - g.left) / (columns * g.w + g.gap)), 0, g.across - 1)
  const j = Math.floor((y - g.top) / lineOf(g, shape))
  const panel = j * g.across + i
  if (panel < 0 || panel >= panels) return null
  const [left, top] = corner(g, shape, panel)
  const row = Math.floor((y - top) / g.h), column = Math.floor((x - left) / g.w)
  const edge = 1 + g.gap / 2 / Math.min(g.w, g.h)
  if (row < -edge || row > rows - 1 + edge || column < -edge || column > columns - 1 + edge) return null
  return [panel, clamp(row, 0, rows - 1), clamp(column, 0, columns - 1)]      // the edge counts as the cell beside it
}

// Which number of a folded vector a cell holds; null after the last one.
export const foldedPlace = (columns, length, row, column) => (row * columns + column < length ? row * columns + column : null)

// Every so many names one is written, where they lie closer than `least` pixels.
export const every = (size, least) => Math.max(1, Math.ceil(least / size))
// Numbers lie flat and need more room: one in 1, 2, 4, 8 …
export const everyFlat = (size) => 2 ** Math.max(0, Math.ceil(Math.log2(34 / size)))

// The cell that an arrow leads to.
export function neighbour(data, g, [panel, row, column], key) {
  const [panels, rows, columns] = data.shape
  const [dr, dc] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key]
  const within = row + dr >= 0 && row + dr < rows && column + dc >= 0 && column + dc < columns
  if (within) return [panel, row + dr, column + dc]
  const next = panel + dr * g.across + dc                    // over the edge: into the map beside it
  if (next < 0 || next >= panels) return [panel, row, column]
  return [next, dr ? (dr > 0 ? 0 : rows - 1) : row, dc ? (dc > 0 ? 0 : columns - 1) : column]
}

// How far a box must scroll, and no further, so that a place is seen beside the names that cover its edges. at: [left, top] now.
export function scrollIntoSight(g, at, [width, height], [x, y, wide, tall]) {
  const names = g.named ? g.left : 0
  return [clamp(at[0], x + wide - width + 8, Math.max(0, x - names - 8)), clamp(at[1], y + tall - height + g.foot + 8, Math.max(0, y - g.head - 8))]
}

// Where a box scrolls to so that a place far from view comes into its middle; null where it is in sight. opened: one cell, not a row.
export function scrollToReveal(g, { left, top, width, height }, [x, y, wide, tall], opened) {
  const names = g.named ? g.left : 0
  const aside = x - names < left || x + wide > left + width, above = y < top || y + tall > top + height - g.foot
  if (!aside && !above) return null
  return [!aside ? left : x < names + width / 2 ? 0 : x - width / 2, !above ? top : y < height / 2 ? 0 : y - (opened ? height / 2 : g.head + 8)]
}

// The same point of the picture, [x, y] in its box scrolled to `at`, after zooming: where the box then scrolls to.
export function scrollAfterZoom(before, next, at, [x, y]) {
  const share = [(at[0] + x - before.left) / (before.wide - before.left), (at[1] + y) / (before.tall - before.foot)]
  return [share[0] * (next.wide - next.left) + next.left - x, share[1] * (next.tall - next.foot) - y]
}
