// A vector drawn as a strip of cells: which cell lies where. Knows nothing of elements.
import { clamp } from "./numbers.js"

// The cell under a place x of a strip that is so wide and has so many cells.
export const cellAt = (x, wide, count) => clamp(Math.floor((x / wide) * count), 0, count - 1)

// The left edge and the width of a cell in percent of the strip; never thinner than a line that can be seen.
export const placeOf = (cell, count, least = 0.8) => {
  const wide = Math.max(100 / count, least)
  return { left: clamp((cell + 0.5) * (100 / count) - wide / 2, 0, 100 - wide), wide }
}

// The cell to which a key leads; null for keys that lead nowhere.
export const cellAfter = (key, cell, count) => {
  const to = { ArrowLeft: cell - 1, ArrowRight: cell + 1, Home: 0, End: count - 1, PageUp: cell - 16, PageDown: cell + 16 }[key]
  return to === undefined ? null : clamp(to, 0, count - 1)
}

// Where the colours of some numbers end: at the one furthest from zero.
export const furthest = (numbers) => numbers.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0) || 1
