// What stands where on the overview is collected on a sheet: items (strips, maps, signs, titles), lines, bands, texts. Columns share
// the width of the screen. No element is touched here.
import { clamp } from "./numbers.js"

export const newSheet = (data, width) => ({ data, width, items: [], lines: [], bands: [], texts: [], frames: [] })

// Rows or columns of tokens; where tokens are left out there is a gap. left: how many in each.
export function places(tokens, size) {
  const at = [], jumps = [], left = [], gap = Math.min(10, size * 0.8)
  let end = 0
  tokens.at.forEach((position, i) => {
    const out = i ? position - tokens.at[i - 1] - 1 : 0
    if (out) { left.push(out); jumps.push(end + gap / 2); end += gap }
    at.push(end)
    end += size
  })
  return { at, size, total: end, jumps, left, chosen: tokens.chosen }
}

// Rows of one token alone.
export const oneRow = (row, size) => ({ at: [0], size, total: size, jumps: [], left: [], chosen: null, only: row })

// Columns [name, fixed, flexible] of a width: each gets its fixed part and its share of the rest. Gives {name: {x, w}}.
export function columns(list, width, low = 0.5, high = 1.35) {
  const fixed = list.reduce((sum, [, a]) => sum + a, 0), flexible = list.reduce((sum, [, , b]) => sum + b, 0)
  const f = clamp((width - fixed) / (flexible || 1), low, high), found = { f }
  let x = 0
  for (const [name, a, b] of list) {
    const w = a + b * f
    if (name) found[name] = { x, w }
    x += w
  }
  return Object.assign(found, { end: x })
}

export function strip(s, key, { x, w }, y, rows, when, more = {}) {
  const part = s.data.strips[key], item = { type: "strip", key, part, x, y, w, h: rows.total, rows, when, ...more }
  if (item.upright) Object.assign(item, { w: rows.total, h: w })
  item.inset = item.upright || rows.size < 12 ? 0.5 : Math.max(1, (rows.size - 28) / 2, rows.size * 0.09)
  s.items.push(item)
  return item
}

export function grid(s, key, x, y, rows, columns, more = {}) {
  const item = { type: "map", key, part: s.data.maps[key], x, y, w: columns.total, h: rows.total, rows, columns, head: 30, when: "map", ...more }
  s.items.push(item)
  return item
}

export const text = (s, words, x, y, more = {}) => s.texts.push({ words, x, y, size: 12, align: "center", ...more })

// Words that lead somewhere: a page, another layer. They are about as wide as their letters.
export function title(s, words, x, y, act, tip, more = {}) {
  const size = more.size ?? 12, wide = Math.max(18, words.length * size * 0.56 + 6)
  const at = more.align === "left" ? x - 3 : more.align === "right" ? x - wide + 3 : x - wide / 2
  const left = clamp(at, 0, Math.max(0, s.width - wide))
  text(s, words, x, y, { link: true, ...more, size })
  return sign(s, "title", left, y - size * 0.85, wide, size * 1.7, { act, tip: [words, tip], when: more.when })
}

export function sign(s, type, x, y, w, h, more) {
  const item = { type, x, y, w, h, ...more }
  s.items.push(item)
  return item
}

export const plus = (s, { x, w }, y, act, tip, when) =>
  sign(s, "plus", x + w / 2 - 10, y - 10, 20, 20, { act, tip, when, kind: "residual" })

export function norm(s, info, { x, w }, y, rows, when) {
  text(s, "norm", x + w / 2, y + rows.total + 7, { size: 10, soft: true, when })
  return sign(s, "norm", x + w / 2 - 3.5, y, 7, rows.total, { act: info.name, tip: [info.about, info.does], kind: "norm", when })
}

export const middle = (item, row) => item.y + item.rows.at[row] + item.rows.size / 2
