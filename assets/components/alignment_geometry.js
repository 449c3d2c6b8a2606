// Written words on the left, source words on the right, a line for each weight. No element is touched here.
export const ROW = 34
export const WIDE = 100

// A source word's lines: of all written words, or of the one whose numbers were sent.
export function linesOf(weights, [L, M], row) {
  const lines = []
  for (let l = 0; l < L; l++) for (let m = 0; m < M; m++) {
    const weight = weights[l * M + m], from = row ?? l
    if (weight > 0.01) lines.push({ l: from, m, weight, path: path(from, m) })
  }
  return lines
}
const path = (l, m) => {
  const y = (l + 0.5) * ROW, to = (m + 0.5) * ROW
  return `M 0 ${y} C ${WIDE * 0.45} ${y} ${WIDE * 0.55} ${to} ${WIDE} ${to}`
}
export const thickness = (weight) => 1 + 7 * weight
export const strengthOf = (line, chosen) => (line.l === chosen ? 0.35 + 0.65 * line.weight : 0.13 * line.weight + 0.03)

// How long a bar is, in percent of its room.
export const lengthOf = (share) => (Number.isFinite(share) ? 100 * Math.min(1, Math.abs(share)) : 0)

// Where a number of written word l and source word m lies; of one word alone only its row was sent.
export const offset = (data, l, m) => (data.row === null ? l : 0) * data.shape[1] + m
