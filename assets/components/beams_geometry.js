// Where the branches of a beam search stand, in pixels: a column for each token, in it the branches of that step below each other, the
// best on top; and the curves between them.

export const WIDE = 118, TALL = 40     // of a branch
export const APART = 36, GAP = 6       // between columns, and between branches
export const HEAD = 22, EDGE = 4       // above the first row; around all

// branches: { parent, depth }, parents before their children. Gives the box of each, the box of the text before them, and the size of the
// whole.
export function layOut(branches) {
  const rows = new Map(), boxes = branches.map(({ depth }) => {
    const row = rows.get(depth) ?? 0
    rows.set(depth, row + 1)
    return { x: EDGE + depth * (WIDE + APART), y: HEAD + row * (TALL + GAP) }
  })
  const columns = Math.max(0, ...rows.keys()), tallest = Math.max(1, ...rows.values())
  return { boxes, start: { x: EDGE, y: HEAD }, columns, wide: 2 * EDGE + columns * (WIDE + APART) + WIDE, tall: HEAD + tallest * (TALL + GAP) - GAP + EDGE }
}

// From the right of a box to the left of another, as a path of SVG.
export function curve(from, to) {
  const x0 = from.x + WIDE, y0 = from.y + TALL / 2, y1 = to.y + TALL / 2, half = (to.x - x0) / 2
  return `M ${x0} ${y0} C ${x0 + half} ${y0}, ${to.x - half} ${y1}, ${to.x} ${y1}`
}

// A branch and all before it.
export function pathTo(branches, at) {
  const path = []
  for (let i = at; i !== null; i = branches[i].parent) path.unshift(i)
  return path
}
