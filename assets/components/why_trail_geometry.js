// Where the nodes of a trail stand, in pixels: a row for each token, a column for each moment of writing; those of one place below
// each other. And the curves between them.

import { clamp } from "./numbers.js"

export const WIDE = 80, TALL = 34     // of a node
const GAP = 6, EDGE = 8               // between nodes of one place, and around a row
const NEAREST = 16, FARTHEST = 48     // between two columns

// nodes: { row, column }; width: the room for all columns, as far as it goes. Gives the box of each node, the band of each row, and the
// size of the whole.
export function layOut(nodes, rows, width) {
  const counts = new Map(), slots = nodes.map(({ row, column }) => {
    const key = `${row},${column}`, slot = counts.get(key) ?? 0
    counts.set(key, slot + 1)
    return slot
  })
  const tallest = Array.from({ length: rows }, (_, row) => Math.max(1, ...nodes.map((node, i) => (node.row === row ? slots[i] + 1 : 0))))
  const bands = []
  let top = 0
  for (const count of tallest) {
    const tall = 2 * EDGE + count * TALL + (count - 1) * GAP
    bands.push({ top, tall })
    top += tall
  }
  const columns = 1 + Math.max(0, ...nodes.map(({ column }) => column))
  const apart = clamp((width - 2 * EDGE - columns * WIDE) / Math.max(columns - 1, 1), NEAREST, FARTHEST)
  const boxes = nodes.map(({ row, column }, i) => ({ x: EDGE + column * (WIDE + apart), y: bands[row].top + EDGE + slots[i] * (TALL + GAP) }))
  return { boxes, bands, wide: 2 * EDGE + columns * WIDE + (columns - 1) * apart, tall: top }
}

// Where a room of a width scrolls to at first: to where nodes of most rows are seen whole, and among such places to the last, since
// the word stands there.
export function firstSeen(nodes, boxes, width) {
  let best = 0, most = 0
  for (const x of boxes.map((box) => box.x - EDGE).sort((one, other) => one - other)) {
    const seen = new Set(nodes.filter((_, i) => boxes[i].x >= x && boxes[i].x + WIDE <= x + width).map(({ row }) => row)).size
    if (seen >= most) [best, most] = [x, seen]
  }
  return best
}

// A curve from the right of one box to the left of another, as a path of SVG.
export function curve(from, to) {
  const x0 = from.x + WIDE, y0 = from.y + TALL / 2, x1 = to.x, y1 = to.y + TALL / 2, bend = Math.max(10, (x1 - x0) / 2)
  return `M ${x0} ${y0} C ${x0 + bend} ${y0}, ${x1 - bend} ${y1}, ${x1} ${y1}`
}

// How wide a curve is: by its share of the largest.
export const widthOf = (part, largest) => 1 + 6 * Math.min(1, Math.abs(part) / (largest || 1))
