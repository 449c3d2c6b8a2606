// A side of the overview, encoder or decoder: its tokens, what is added to them, its layers, its last vectors and what comes of them.
import { clamp, rounded } from "./numbers.js"
import { begin, flow, leftEnd, norm, plus, rightEnd, sideEnd, sign, strip, text } from "./overview_sheet.js"
import { shorten } from "./words.js"

export function embedding(s, line, x, y) {
  const { river, rows } = line, u = line.unit * s.f, gap = 24 * s.f, middle = y + rows.total / 2
  let here = begin(s, line, river.token, x, y)
  river.added.forEach((key, i) => {
    const next = strip(s, key, here.x + u + gap, y, u, rows)
    plus(s, next.x - gap / 2, middle, `${river.side}.embed.sum`, ["The vectors are added", `token + ${s.data.strips[key].title}`])
    here = next
  })
  if (river.first) {
    const wide = river.norm ? 30 * s.f : gap
    const next = strip(s, river.first, here.x + u + wide, y, u, rows)
    flow(s, rightEnd(here), leftEnd(next), "embed", "residual", { chosen: rows.chosen })
    if (river.norm) {
      const pill = norm(s, river.norm, next.x - wide / 2 - 5, y - 2, 10, rows.total + 4)
      text(s, river.norm.title, pill.x + 5, y + rows.total + (s.narrow ? 21 : 10), { size: 9, soft: true })
    }
    here = next
  }
  s.last = here
  return here.x + here.w
}

export function layers(s, line, x, y) {
  const { river, rows } = line, N = river.layers.length
  let from = s.last
  if (line.first) { from = begin(s, line, river.first ?? river.token, x, y); x = from.x + from.w }
  const pitch = 300 * s.f / N, left = x + 20 * s.f, w = Math.max(4, Math.min(pitch - clamp(pitch * 0.3, 2, 16), 44))
  const every = N <= 12 ? 1 : 5
  line.thumbs = river.layers.map((key, n) => {
    const thumb = strip(s, key, left + n * pitch, y, w, rows, { bare: true, untitled: true, act: `layer/${river.side}/${n}`,
      chosenLayer: n === river.chosen, go: n === river.chosen ? "opened below; a click leads to the page Layers" : "open this layer" })
    flow(s, rightEnd(from), leftEnd(thumb), "residual", "residual", { chosen: rows.chosen })
    if (n % every === 0 || n === N - 1 || n === river.chosen)
      text(s, n, thumb.x + w / 2, y - 8, { size: n === river.chosen ? 12 : 10, bold: n === river.chosen, accent: n === river.chosen })
    return (from = thumb)
  })
  text(s, N === 1 ? "1 layer" : `the stream after each of ${N} layers`, left + (N * pitch) / 2 - 8, y - 22, { size: 10, soft: true })
  line.layersAt = [left, left + (N - 1) * pitch + w]
  s.last = from
  return from.x + from.w
}

export function ends(s, line, x, y) {
  const { river, rows } = line, u = line.unit * s.f
  let from = s.last
  if (line.first) { from = begin(s, line, river.layers.at(-1), x, y); x = from.x + from.w }
  const wide = (river.last ? 34 : 24) * s.f, next = strip(s, river.out, x + wide, y, u, rows)
  flow(s, rightEnd(from), leftEnd(next), "residual", "residual", { chosen: rows.chosen })
  if (river.last) {
    const pill = norm(s, river.last, next.x - wide / 2 - 5, y - 2, 10, rows.total + 4)
    text(s, river.last.title, pill.x + 5, y + rows.total + (s.narrow ? 21 : 10), { size: 9, soft: true })
  }
  line.out = s.last = next
  const out = s.data.output
  let end = next.x + u
  if (out.side === river.side && out.pooled.length) end = Math.max(end, vectors(s, line, out, next, y))
  if (out.side === river.side && out.words.length) end = Math.max(end, words(s, out, next, y, below(out)))
  return end
}

// How far down the likeliest words begin, where vectors for the whole text stand above them.
export const below = (out) => (out.pooled.length ? 62 * out.pooled.length + 4 : 0)

// One vector for the whole text: all tokens flow into it.
function vectors(s, line, out, from, y) {
  const wide = 130 * s.f, x = from.x + from.w + 44 * s.f, top = y + (out.words.length ? 6 : Math.max(6, from.h / 2 - 14 - 22 * out.pooled.length))
  out.pooled.forEach((key, i) => {
    const one = { at: [0], size: 16, total: 16, jumps: [], chosen: null }
    const item = strip(s, key, x, top + i * 62, wide, one, { single: true, bare: true })
    const mean = key.endsWith("pooled"), used = mean ? rightEnd(from) : rightEnd(from).slice(0, 1)
    flow(s, used, sideEnd(item, x, 1, used.length), "residual", "head")
    text(s, `±${rounded(item.part.limit, 2)}`, x + wide / 2, item.y + 27, { size: 9.5, soft: true })
  })
  return x + wide
}

// The likeliest words: the token's vector flows into them, each as wide as its probability.
function words(s, out, from, y, down) {
  const wide = Math.max(170, 160 * s.f), x = from.x + from.w + 46 * s.f, n = out.words.length, size = down ? 17 : clamp(from.h / n, 17, 26)
  const top = y + down + (down ? 0 : Math.max(0, (from.h - n * size) / 2)), most = out.words[0].share
  const [ax, ay, , by] = rightEnd(from)[out.row]
  const total = out.words.reduce((sum, word) => sum + word.share, 0)
  let used = ay + 1
  out.words.forEach((word, i) => {
    const at = top + i * size, thick = (by - ay - 2) * word.share / total, tall = clamp(size - 7, 6, 14)
    sign(s, "bar", x, at, wide, size, { act: `word/${word.id}`, word, share: word.share / most, tall, kind: "head",
      tip: [`${word.word}`, `probability ${rounded(word.share, 4)}, one of ${out.of.toLocaleString("en")} words`] })
    const far = at + size / 2
    flow(s, [[ax, used, ax, used + thick, 1, 0]], [[x, far - tall / 2, x, far + tall / 2, 1, 0]], "residual", "head", { chosen: 0, strength: 0.9 })
    used += thick
  })
  text(s, `${out.title} “${shorten(out.after, 10)}”`, x, top - 8, { bold: true, kind: "head", align: "left" })
  return x + wide
}
