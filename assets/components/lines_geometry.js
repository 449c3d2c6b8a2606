// Where the lines between two columns of tokens begin and end, and how strong they are. No element is touched here.
export const ROW = 26       // pixels of a token
export const WIDE = 100     // units from one column to the other

// A line for each weight that is seen. data.only: for each token on the left the one on the right to which alone a line is drawn.
export function linesOf(data) {
  const [H, L, M] = data.shape, lines = []
  for (let h = 0, at = 0; h < H; h++) for (let l = 0; l < L; l++) for (let m = 0; m < M; m++, at++) {
    const weight = data.numbers[at]
    if (data.only ? m !== data.only[l] : !(weight > 0.01)) continue
    lines.push({ h, l, m, weight, ends: { x1: 0, x2: WIDE, y1: (l + 0.5) * ROW, y2: (m + 0.5) * ROW } })
  }
  return lines
}

// How strong a line is while the token l on the left or m on the right stands alone, or, with neither, all do.
export function strength({ l: from, m: to, weight }, only, l, m) {
  const all = l === null && m === null, alone = only ? 0.25 : 0       // lines that stand alone are seen even where they are weak
  if (!all && from !== l && to !== m) return 0.02
  return Math.min(1, alone + (all ? weight : Math.max(0.15, weight)))
}
