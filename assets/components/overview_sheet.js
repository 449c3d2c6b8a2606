// A sheet collects what the overview shows and where it stands: items (strips, maps, signs), the flows between them, texts.
// No element is touched here.
import { clamp, rounded } from "./numbers.js"
import { shorten } from "./words.js"

export const HEAD = 24, FOOT = 16          // room for a strip's title above it and the end of its scale below

export const newSheet = (data, f, narrow) => ({ data, f, narrow, items: [], flows: [], texts: [], frames: [], last: null })

// Rows or columns of tokens; where tokens are left out there is a gap.
export function places(tokens, size) {
  const at = [], jumps = [], gap = Math.min(10, size * 0.8)
  let end = 0
  tokens.at.forEach((position, i) => {
    if (i && position !== tokens.at[i - 1] + 1) { jumps.push(end + gap / 2); end += gap }
    at.push(end)
    end += size
  })
  return { at, size, total: end, jumps, chosen: tokens.chosen }
}

export function strip(s, key, x, y, w, rows, more = {}) {
  const part = s.data.strips[key]
  const item = { type: "strip", key, part, x, y, w, h: rows.total, rows, act: key, title: part.title, ...more }
  if (item.upright) Object.assign(item, { w: rows.total, h: w })
  s.items.push(item)
  if (!item.untitled) title(s, item, item.title)
  if (!item.upright && !item.bare) text(s, `±${rounded(part.limit, 2)}`, x + w / 2, y + item.h + 10, { size: 9, soft: true, plate: item.plate })
  return item
}

export const text = (s, words, x, y, more = {}) => s.texts.push({ words, x, y, size: 11, align: "center", ...more })
export const title = (s, item, words, more = {}) => text(s, words, item.x + item.w / 2, item.y - 8, { bold: true, kind: item.part.kind, ...more })

export function sign(s, type, x, y, w, h, more) {
  const item = { type, x, y, w, h, ...more }
  s.items.push(item)
  return item
}

export const plus = (s, x, y, name, tip, mark = "+", kind = "residual") =>
  sign(s, "plus", x - 9, y - 9, 18, 18, { act: name, tip, mark, kind })

export function norm(s, info, x, y, w, h) {
  return sign(s, "norm", x, y, w, h, { act: info.name, tip: [info.about, info.does], kind: "norm" })
}

export function grid(s, key, x, y, rows, columns, more = {}) {
  const item = { type: "map", key, part: s.data.maps[key], x, y, w: columns.total, h: rows.total, rows, columns, act: key, ...more }
  s.items.push(item)
  return item
}

// The ends of flows: for each token two points of an edge, and the direction in which it is crossed.
export const rightEnd = ({ x, y, w, rows }) => rows.at.map((at) => [x + w, y + at, x + w, y + at + rows.size, 1, 0])
export const leftEnd = ({ x, y, rows }) => rows.at.map((at) => [x, y + at, x, y + at + rows.size, 1, 0])
const spread = (from, size, n, end) => Array.from({ length: n }, (_, i) => end(from + i * size / n, from + (i + 1) * size / n))
export const downEnd = (item, y, n = item.rows.at.length) => spread(0, item.w, n, (a, b) => [item.x + item.w - a, y, item.x + item.w - b, y, 0, 1])
export const sideEnd = (item, x, dx, n = item.rows.at.length) => spread(item.y, item.h, n, (a, b) => [x, a, x, b, dx, 0])
export const reversed = (end) => end.map(([ax, ay, bx, by, dx, dy]) => [bx, by, ax, ay, dx, dy])

export function flow(s, from, to, kind, into, more = {}) {
  s.flows.push({ from, to, kind, into: into ?? kind, chosen: null, ...more })
}

export const labelRoom = (s) => (s.narrow ? 54 : 90)

// The tokens beside their rows; again: beside the matrix, where they only say which row is which.
export function labels(s, tokens, rows, x, y, act, again) {
  tokens.labels.forEach((label, i) => {
    const chosen = i === tokens.chosen
    const words = shorten(label, s.narrow ? 7 : 12)
    const size = clamp(rows.size - 1.5, 8.5, s.narrow ? 11 : 12)
    text(s, words, x - 5, y + rows.at[i] + rows.size / 2, { align: "right", size, bold: chosen, accent: chosen, soft: again })
    if (!again) sign(s, "token", x - labelRoom(s) + 2, y + rows.at[i], labelRoom(s) - 5, rows.size,
      { act: `token/${tokens.side}/${tokens.at[i]}`, tip: [`${label}  (${tokens.at[i]})`, chosen ? "the chosen token" : "choose this token"],
        pressed: chosen, quiet: !act, side: tokens.side, row: i })
  })
  for (const jump of rows.jumps) text(s, "⋮", x - 12, y + jump, { size: 10, soft: true })
}

// The stream goes on in the next line of the picture: its tokens and its vector stand there again.
export function begin(s, line, key, x, y) {
  if (!line.first) return s.last
  const tokens = line.tokens, rows = line.rows
  labels(s, tokens, rows, x + labelRoom(s), y, line.act)
  return strip(s, key, x + labelRoom(s), y, line.unit * s.f, rows, line.more)
}
