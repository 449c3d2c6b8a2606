// Where the keys lead on the map of a model's parts, how much room a cell has, and the ink that is read on its colour.

// The part that a key leads to from part `at`: the nearest in that direction, in the same row or column; from the last layer down to
// what belongs to no layer (row −1), and back. null: the key leads nowhere.
export function neighbourOf(cells, at, key) {
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }
  if (!(key in steps)) return null
  const [down, right] = steps[key], placed = places(cells), [row, column] = placed[at]
  const found = placed.flatMap(([r, c], i) => {
    const ahead = down ? (r - row) * down : (c - column) * right
    const aside = down ? Math.abs(c - column) : r === row ? 0 : Infinity
    return ahead > 0 && Number.isFinite(aside) ? [[ahead, aside, i]] : []
  })
  found.sort((one, other) => one[0] - other[0] || one[1] - other[1])
  return found.length ? found[0][2] : at
}

// The place of each part: what belongs to no layer stands below the layers, side by side.
function places(cells) {
  const last = Math.max(-1, ...cells.map(({ row }) => row)) + 1
  let own = 0
  return cells.map(({ row, column }) => (row < 0 ? [last, own++] : [row, column]))
}

// "wide": a number stands in each cell; "tight": a small one; "narrow": the colour alone. rows: many of them are drawn lower.
export function room(width, columns, rows) {
  const each = (width - 70) / Math.max(columns, 1)
  return `${each >= 38 ? "wide" : each >= 27 ? "tight" : "narrow"} ${rows > 12 ? "low" : "high"}`
}

// Black or white, whichever is read better on a colour (WCAG 2).
export function inkOn(r, g, b) {
  const light = [r, g, b].map((part) => { const x = part / 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4 })
  const luminance = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
  return luminance > 0.179 ? "#000000" : "#ffffff"
}
