// Attention of one token in one head as five pictures, and what stands between two of them. No element is touched here.
import { clamp, percent } from "./numbers.js"

export const STEPS = ["Query", "Keys", "Scores", "Softmax", "Values"]
const HEAD = 24            // pixels over the first row, for the names of the columns
const FOOT = 34            // and below the last, for a sum
const SUM = 50             // or below the last of the values, for the vector z
const LEAST = 360          // pixels that all steps take at most, so that what follows stays where it is
const NARROW = 560         // below this width what is left out is in the other steps
const HIDDEN = 152         // pixels that “−∞, hidden by the mask” takes
const NUMBER = 30          // pixels that a cell needs to hold its number

// What one token sees in one head, by name; null where these numbers were not sent. data: as ui/stages/attention/numbers.py sends it.
export function look(data, numbers, head, token) {
  if (data.head !== null && data.head !== head || data.row !== null && data.row !== token) return null
  const h = data.head === null ? head : 0, l = data.row === null ? token : 0, g = data.head === null ? data.groups[head] : 0
  const slice = (name, ...index) => {
    const { at, shape } = data.arrays[name], size = shape.slice(index.length).reduce((a, b) => a * b, 1)
    const place = index.reduce((sum, i, axis) => sum * shape[axis] + i, 0) * size
    return numbers.subarray(at + place, at + place + size)
  }
  const rows = (name) => [...Array(data.arrays[name].shape[1]).keys()].map((m) => slice(name, g, m))
  const seen = { q: slice("q", h, l), k: rows("k"), v: rows("v"), z: slice("z", h, l), total: slice("total", h, l)[0], plain: slice("plain", h, l)[0] }
  for (const name of ["dot", "scores", "exp", "pattern"]) seen[name] = slice(name, h, l)
  if (data.arrays.x) seen.x = slice("x", l)
  // a product of two 32-bit numbers, rounded to 32 bits: as the trace has it
  seen.terms = seen.k.map((k) => Float32Array.from(k, (x, i) => Math.fround(x * seen.q[i])))
  return seen
}

const largest = (...lists) => lists.reduce((most, list) => list.reduce((m, x) => (Number.isFinite(x) ? Math.max(m, Math.abs(x)) : m), most), 0) || 1
export const best = (list) => list.reduce((at, x, i) => (x > list[at] ? i : at), 0)

// How many digits after the point a column of numbers needs, so that its largest has two or three that count.
export const digitsFor = (list) => (largest(list) >= 100 ? 0 : clamp(1 - Math.floor(Math.log10(largest(list)) + 1e-9), 1, 3))
export const written = (x, digits) => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : x > 0 ? "∞" : "−∞"
  const text = x.toFixed(digits)
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−")
}
export const small = (x) => (x >= 0.001 || x === 0 ? written(x, 3) : "<0.001")

// A sum too long for a row of digits.
export const grouped = (x) => (x < 1e15 ? (x < 100 ? x.toPrecision(3) : Math.round(x).toLocaleString("en-US")) : Number.isFinite(x) ? x.toExponential(2).replace("e+", "e") : "∞")

// --- the parts of a picture: marks (cells, bars, dots, lines) and texts ---

const cells = (id, list, [x, y, wide, tall], limit, name, place, row, alpha = 1) => [...list].map((value, i) => ({
  id: `${id}.${i}`, shape: "cell", tone: "signed", share: value / limit, alpha, x: x + i * wide / list.length, y, w: wide / list.length, h: tall,
  cell: [name, ...place, i], at: [row, i], value,
}))
const text = (id, words, x, y, anchor, look = "", cell = null, room = null) => ({ id, words, x, y, anchor, look, cell, room })

// A bar from zero to both sides; tall: of the row.
const signedBar = (id, value, zero, unit, y, tall, cell) => ({
  id, shape: "bar", tone: "signed", share: value < 0 ? -0.62 : 0.62, alpha: 1, x: value < 0 ? zero + value * unit : zero, y: y + tall * 0.22,
  w: Math.max(1, Math.abs(value) * unit), h: tall * 0.56, cell, value,
})
const shareBar = (id, share, x, wide, y, tall, cell) => ({
  id, shape: "bar", tone: "weight", share: 0.8, alpha: 1, x, y: y + tall * 0.2, w: Math.max(1.5, (share || 0) * wide), h: tall * 0.6, cell, value: share,
})

export const rowHeight = (count, narrow) => (count <= 9 ? (narrow ? 34 : 38) : count <= 16 ? 29 : 23)

// The names of the rows, and which is the one that matters.
function rowLabels(words, room, tall, main, top = HEAD) {
  return words.map((word, m) => ({ ...text(`w${m}`, word, room - 12, top + (m + 0.5) * tall, "end", m === main ? "word main" : "word", null, room - 14), row: m }))
}
const band = (main, width, tall, top = HEAD) => ({ id: "band", shape: "band", tone: "plain", share: 0, alpha: 1, x: 0, y: top + main * tall, w: width, h: tall })

// --- the five pictures ---

// spare: the pixels that the other steps take more; the strips share them.
function query(seen, names, width, room, spare = 0) {
  const marks = [], texts = [], wide = width - room, K = seen.q.length, more = clamp(spare, 0, 200)
  let y = HEAD
  if (seen.x) {
    const rows = Math.ceil(seen.x.length * 3 / wide), across = Math.ceil(seen.x.length / rows), limit = largest(seen.x), tall = (rows > 1 ? 13 : 24) + Math.floor(more * 0.3 / rows)
    texts.push(text("x", "x", room - 12, y + rows * tall / 2, "end", "word"), text("tx", names.x, room, 10, "start", "title"))
    for (let r = 0; r < rows; r++) {
      const part = seen.x.subarray(r * across, (r + 1) * across)
      marks.push(...cells(`x${r}`, part, [room, y + r * tall, wide * part.length / across, tall - 1], limit, "x", [], r)
        .map((each, i) => ({ ...each, cell: ["x", r * across + i] })))
    }
    y += rows * tall + 14
    texts.push(text("by", names.query, room, y + 8, "start", "title"))
    y += 28
  } else texts.push(text("by", names.query, room, 10, "start", "title"))
  const tall = 44 + Math.floor(more * 0.65), digits = digitsFor(seen.q)
  texts.push(text("q", "q", room - 12, y + tall / 2, "end", "word main"))
  marks.push(...cells("q", seen.q, [room, y, wide, tall], largest(seen.q), "q", [], 99))
  if (wide / K >= NUMBER) seen.q.forEach((value, k) => texts.push(text(`q.${k}`, written(value, digits), room + (k + 0.5) * wide / K, y + tall + 12, "middle", "figure", ["q", k])))
  return { marks, texts, height: y + tall + 26 }
}

function keys(seen, names, width, room, tall, words) {
  const narrow = width < NARROW, wide = width - room - 74, main = best(seen.dot.map((dot, m) => (seen.scores[m] === -Infinity ? -Infinity : dot))), top = HEAD + 34, limit = largest(...seen.k), digits = digitsFor(seen.dot)
  const marks = [band(main, width, tall, top), ...cells("q", seen.q, [room, HEAD - 2, wide, 22], largest(seen.q), "q", [], 0)]
  const texts = [text("q", "query", room - 12, HEAD + 9, "end", "word"), text("tk", narrow ? "k: a key for each token" : names.keys, room, 10, "start", "title"), text("td", "q · k", width - 8, 10, "end", "title"),
    ...rowLabels(words, room, tall, main, top)]
  seen.k.forEach((k, m) => {
    const y = top + m * tall, hidden = seen.scores[m] === -Infinity
    marks.push(...cells(`r${m}`, k, [room, y + tall * 0.17, wide, tall * 0.66], limit, "k", [m], m + 1, hidden ? 0.3 : 1))
    texts.push(text(`d${m}`, hidden ? "hidden" : written(seen.dot[m], digits), width - 8, y + tall / 2, "end", hidden ? "quiet" : m === main ? "figure main" : "figure", hidden ? null : ["dot", m]))
  })
  return { marks, texts, height: top + seen.k.length * tall + 6 }
}

function scores(seen, names, width, room, tall, words) {
  const narrow = width < NARROW, strip = narrow ? 0 : (width - room) * 0.37, main = best(seen.scores), shown = seen.scores.map((s) => (Number.isFinite(s) ? s : 0))
  const after = room + strip + (narrow ? 44 : 62), left = narrow ? after + 8 : after + (names.scale ? 74 : 16), digits = digitsFor(shown), room2 = 46
  const low = Math.min(0, ...shown), high = Math.max(0, ...shown), unit = (width - left - 2 * room2) / (high - low || 1), zero = left + room2 - low * unit
  const limit = largest(...seen.terms.filter((_, m) => seen.scores[m] !== -Infinity)), dots = digitsFor(seen.dot)
  const marks = [band(main, width, tall), axis(zero, tall, words)], texts = rowLabels(words, room, tall, main)
  if (strip) texts.push(text("tt", "query × key, number by number", room, 10, "start", "title"))
  texts.push(text("td", "sum", after, 10, "end", "title"), text("ts", "score", zero, 10, "middle", "title"))
  words.forEach((_, m) => {
    const y = HEAD + m * tall, hidden = seen.scores[m] === -Infinity, mid = y + tall / 2
    if (strip) marks.push(...cells(`r${m}`, seen.terms[m], [room, y + tall * 0.2, strip, tall * 0.6], limit, "terms", [m], m, hidden ? 0.3 : 1))
    texts.push(text(`d${m}`, written(seen.dot[m], dots), after, mid, "end", hidden ? "quiet" : "figure", ["dot", m]))
    if (names.scale && !narrow) texts.push(text(`c${m}`, names.scale, after + 36, mid, "middle", "quiet"))
    if (hidden) return texts.push(hiddenScore(width, zero, narrow, mid, m))
    marks.push(signedBar(`s${m}`, seen.scores[m], zero, unit, y, tall, ["scores", m]))
    texts.push(scoreText(seen.scores[m], zero, unit, mid, m, digits, m === main))
  })
  return { marks, texts, height: HEAD + words.length * tall + 6 }
}
// Beside the axis, on the side where it has room.
const hiddenScore = (width, zero, narrow, y, m) => {
  const right = narrow || width - zero > 6 + HIDDEN
  return text(`s${m}`, narrow ? "−∞" : "−∞, hidden by the mask", zero + (right ? 6 : -6), y, right ? "start" : "end", "quiet", ["scores", m])
}
const axis = (zero, tall, words) => ({ id: "axis", shape: "line", tone: "line", share: 0, alpha: 1, x: zero, y: HEAD - 4, w: 1, h: words.length * tall + 8 })
const scoreText = (value, zero, unit, y, m, digits, main) =>
  text(`s${m}`, written(value, digits), zero + value * unit + (value < 0 ? -6 : 6), y, value < 0 ? "end" : "start", main ? "figure main" : "figure", ["scores", m])

function softmax(seen, names, width, room, tall, words) {
  const narrow = width < NARROW, main = best(seen.pattern), shown = seen.scores.map((s) => (Number.isFinite(s) ? s : 0)), digits = digitsFor(shown)
  const low = Math.min(0, ...shown), high = Math.max(0, ...shown), part = narrow ? 0 : (width - room) * 0.3
  const unit = narrow ? 0 : (part - 92) / (high - low || 1), zero = narrow ? room + 40 : room + 46 - low * unit
  const power = narrow ? room + 62 : room + part + 30, bars = narrow ? power + 62 : power + 170, long = width - bars - 66
  const marks = [band(main, width, tall)], texts = rowLabels(words, room, tall, main)
  if (!narrow) marks.push(axis(zero, tall, words))
  const top = written(seen.scores[main], digits)
  texts.push(text("ts", "score", zero, 10, narrow ? "end" : "middle", "title"), text("te", narrow ? "e^…" : `e^(score − ${top.startsWith("−") ? `(${top})` : top})`, narrow ? power : power + 34, 10, narrow ? "start" : "middle", "title"),
    text("ta", "share", bars, 10, "start", "title"))
  words.forEach((_, m) => {
    const y = HEAD + m * tall, mid = y + tall / 2, hidden = seen.scores[m] === -Infinity
    if (narrow || hidden) texts.push(text(`s${m}`, written(seen.scores[m], digits), narrow ? zero : zero + 6, mid, narrow ? "end" : "start", "figure", ["scores", m]))
    else { marks.push(signedBar(`s${m}`, seen.scores[m], zero, unit, y, tall, ["scores", m])); texts.push(scoreText(seen.scores[m], zero, unit, mid, m, digits, m === main)) }
    const size = Math.max(2.4, Math.sqrt(seen.exp[m] || 0) * tall * 0.74)
    if (!narrow) marks.push({ id: `e${m}`, shape: "dot", tone: "weight", share: 0.55, alpha: seen.exp[m] ? 1 : 0, x: power - size / 2, y: mid - size / 2, w: size, h: size, cell: ["exp", m], value: seen.exp[m] })
    texts.push(text(`e${m}`, small(seen.exp[m]), narrow ? power : power + 24, mid, "start", "figure", ["exp", m]))
    if (!narrow) texts.push(text(`c${m}`, `÷ ${written(seen.total, 3)}`, bars - 18, mid, "end", "quiet"))
    marks.push({ id: `t${m}`, shape: "bar", tone: hidden ? "hidden" : "track", share: 0, alpha: 1, x: bars, y: y + tall * 0.2, w: long, h: tall * 0.6 }, shareBar(`a${m}`, seen.pattern[m], bars, long, y, tall, ["pattern", m]))
    texts.push(text(`a${m}`, percent(seen.pattern[m]), width - 4, mid, "end", m === main ? "figure main" : "figure", ["pattern", m]))
  })
  const foot = HEAD + words.length * tall + FOOT / 2
  texts.push(text("total", written(seen.total, 3), narrow ? power : power + 24, foot, "start", "figure main", ["total"]), text("sum", "total", room - 12, foot, "end", "word"))
  if (!narrow && Number.isFinite(seen.plain)) texts.push(text("without", `with nothing taken off: ${grouped(seen.plain)}`, bars, foot, "start", "figure", ["plain"]))
  return { marks, texts, height: foot + FOOT / 2 }
}

function values(seen, names, width, room, tall, words) {
  const narrow = width < NARROW, left = room + (narrow ? 58 : 128), wide = width - left - 4, main = best(seen.pattern), limit = largest(seen.z, ...seen.v)
  const marks = [band(main, width, tall)], texts = [...rowLabels(words, room, tall, main), text("ta", "share", room, 10, "start", "title"), text("tv", narrow ? "v, as thick as its share" : names.values, left, 10, "start", "title")]
  words.forEach((_, m) => {
    const y = HEAD + m * tall, mid = y + tall / 2, share = seen.pattern[m] || 0, thick = Math.max(2, share * tall * 0.8), bar = narrow ? 0 : 62
    if (bar) marks.push(shareBar(`a${m}`, share, room, bar, y, tall, ["pattern", m]))
    texts.push(text(`a${m}`, percent(share), room + (narrow ? 50 : 118), mid, "end", m === main ? "figure main" : "figure", ["pattern", m]))
    marks.push(...cells(`v${m}`, seen.v[m], [left, mid - thick / 2, wide, thick], limit, "v", [m], m, share ? 1 : 0.25))
  })
  const y = HEAD + words.length * tall + 10
  marks.push({ id: "sum", shape: "line", tone: "line", share: 0, alpha: 1, x: room, y: y - 5, w: width - room - 4, h: 1 })
  marks.push(...cells("z", seen.z, [left, y, wide, 30], limit, "z", [], words.length).map((each, i) => ({ ...each, from: `v${main}.${i}` })))
  texts.push(text("z", "z", left - 10, y + 15, "end", "word main"), text("tz", narrow ? "" : "their sum", room - 12, y + 15, "end", "word"))
  return { marks, texts, height: y + 40 }
}

const DRAW = [query, keys, scores, softmax, values]

// The query alone has no row for each token: its strips are as tall as there is room.
const higher = (seen, names, width, room, height) => query(seen, names, width, room, height - query(seen, names, width, room).height)

// The picture of a step, as wide as there is room. words: of the rows; names: of columns and matrices.
export function picture(step, seen, words, names, width) {
  const narrow = width < NARROW, room = clamp(24 + 8 * Math.max(...words.map((word) => word.length)), narrow ? 56 : 84, narrow ? 102 : 146)
  const tall = rowHeight(words.length, narrow), height = Math.min(LEAST, HEAD + words.length * tall + SUM)
  const drawn = step ? DRAW[step](seen, names, width, room, tall, words) : higher(seen, names, width, narrow ? 24 : 34, height)
  return { ...drawn, height: Math.max(height, drawn.height) }
}

// A step in few pixels: what its thumbnail shows.
export function thumbnail(step, seen, wide, tall) {
  const M = seen.k.length, high = tall / M, main = { alpha: 1, shape: "cell", tone: "signed" }
  if (step === 0) return cells("q", seen.q, [0, tall / 2 - 7, wide, 14], largest(seen.q), "q", [], 0)
  if (step === 1) return seen.k.flatMap((k, m) => cells(`k${m}`, k, [0, m * high, wide, high - (high > 3)], largest(...seen.k), "k", [m], m))
  if (step === 4) return seen.v.flatMap((v, m) => cells(`v${m}`, v, [0, m * high, wide, high - (high > 3)], largest(seen.z, ...seen.v), "v", [m], m, 0.25 + 0.75 * (seen.pattern[m] || 0)))
  if (step === 3) return [...seen.pattern].map((a, m) => ({ ...main, tone: "weight", share: 0.8, x: 0, y: m * high, w: Math.max(1, (a || 0) * wide), h: Math.max(1, high - 1) }))
  const shown = [...seen.scores].map((s) => (Number.isFinite(s) ? s : 0)), low = Math.min(0, ...shown), unit = wide / ((Math.max(0, ...shown) - low) || 1)
  return shown.map((s, m) => ({ ...main, share: s < 0 ? -0.62 : 0.62, x: (Math.min(s, 0) - low) * unit, y: m * high, w: Math.max(1, Math.abs(s) * unit), h: Math.max(1, high - 1) }))
}

// --- from one picture to the next ---

const ease = (t) => (t < 0.5 ? 2 * t * t : 1 - (2 - 2 * t) ** 2 / 2)
const lerp = (a, b, t) => a + (b - a) * t

// The marks on their way, at the share t of it: what is in both pictures moves, what goes fades, what comes grows out of `from`.
export function between(before, after, t) {
  if (t >= 1) return after
  const old = new Map(before.map((mark) => [mark.id, mark])), kept = new Set(after.map((mark) => mark.id)), at = ease(t)
  const going = before.filter((mark) => !kept.has(mark.id)).map((mark) => ({ ...mark, alpha: mark.alpha * Math.max(0, 1 - 2 * t), cell: null }))
  return [...going, ...after.map((mark) => {
    const from = old.get(mark.id) ?? old.get(mark.from)
    if (!from) return { ...mark, alpha: mark.alpha * Math.max(0, 2 * t - 1) }
    const moved = Object.fromEntries(["x", "y", "w", "h", "alpha"].map((side) => [side, lerp(from[side], mark[side], at)]))
    return { ...mark, ...moved, share: from.tone === mark.tone ? lerp(from.share, mark.share, at) : mark.share }
  })]
}

// The mark under a point, and the one that an arrow leads to. reach: pixels beside a thin one that still count.
export function markAt(marks, x, y, reach = 3) {
  const inside = (mark, more) => mark.cell && x >= mark.x - (more && 1) && x < mark.x + mark.w + (more && 1) && y >= mark.y - more && y < mark.y + mark.h + more
  return marks.findLast((mark) => inside(mark, 0)) ?? marks.findLast((mark) => inside(mark, reach)) ?? null
}
export function neighbour(marks, mark, key) {
  const open = marks.filter((each) => each.at)
  if (!mark?.at) return open[0] ?? null
  const [row, column] = mark.at, rows = [...new Set(open.map((each) => each.at[0]))].sort((a, b) => a - b), at = rows.indexOf(row)
  const [down, right] = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[key]
  const there = open.filter((each) => each.at[0] === rows[clamp(at + down, 0, rows.length - 1)])
  return there.find((each) => each.at[1] === column + right) ?? (down ? there.at(-1) : mark)
}
