// Where two maps and their difference stand, in pixels: side by side, or, on a narrow screen, one below the other.
//
// A geometry g: cell, the side of a cell; labels, room for the names beside the first map of a line; foot, room for those below;
// maps: for each its left, top, wide and tall; wide, tall: the whole picture.
import { clamp } from "./numbers.js"

export const HEAD = 24       // pixels over a map for its title
const GAP = 18               // between maps
const NARROW = 560           // a width in which the maps stand one below the other
const LARGEST = 34, SMALLEST = 2
const LETTER = 6.6, LONGEST = 14

export const nameWidth = (names) => 16 + LETTER * names.reduce((most, name) => Math.max(most, Math.min(name.length, LONGEST)), 0)

export function layOut(width, rows, columns, names) {
  const across = width < NARROW ? 1 : 3, labels = nameWidth(names), foot = nameWidth(names)
  const room = width - labels - 4 - (across - 1) * GAP
  const cell = clamp(room / across / columns, SMALLEST, across === 1 ? LARGEST : LARGEST)
  const wide = cell * columns, tall = cell * rows
  const maps = [0, 1, 2].map((map) => ({ left: labels + (map % across) * (wide + GAP), wide, tall,
    top: HEAD + Math.floor(map / across) * (HEAD + tall + foot + 6) }))
  return { cell, labels, foot, across, maps, wide: width, tall: maps[2].top + tall + foot }
}

// [map, row, column] at a point, or null.
export function cellAt(g, rows, columns, x, y) {
  for (const [map, { left, top, wide, tall }] of g.maps.entries()) {
    if (x < left || x >= left + wide || y < top || y >= top + tall) continue
    return [map, clamp(Math.floor((y - top) / g.cell), 0, rows - 1), clamp(Math.floor((x - left) / g.cell), 0, columns - 1)]
  }
  return null
}

// The row whose name stands at a point, or null.
export function nameAt(g, rows, x, y) {
  for (const { left, top, tall } of g.maps) {
    if (left - g.labels > 1 && g.across > 1) continue            // only the first map of a line has names beside it
    if (x < left - 2 && x >= left - g.labels && y >= top && y < top + tall) return clamp(Math.floor((y - top) / g.cell), 0, rows - 1)
  }
  return null
}

// The cell that an arrow leads to; over the edge into the map beside it.
export function step(rows, columns, [map, row, column], key) {
  const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key]
  if (column + right < 0) return map ? [map - 1, row, columns - 1] : [map, row, column]
  if (column + right >= columns) return map < 2 ? [map + 1, row, 0] : [map, row, column]
  return [map, clamp(row + down, 0, rows - 1), column + right]
}
