// The opened layer of the overview: its attention and its feed-forward part, each a detour of the stream.
import { clamp } from "./numbers.js"
import { begin, downEnd, flow, FOOT, grid, labels, leftEnd, norm, places, plus, reversed, rightEnd, sideEnd, sign, strip, text,
  title } from "./overview_sheet.js"
import { shorten } from "./words.js"

// Down from the stream, through the norm where it stands before the part. Returns what the part reads.
function leave(s, line, part, from) {
  const top = line.detour, u = from.w
  if (!part.first || !part.normed) return { end: downEnd(from, from.y + from.h), x: from.x + u, kind: "residual" }
  const normed = strip(s, part.normed, from.x, top, u, line.rows, { untitled: true })
  flow(s, downEnd(from, from.y + from.h + FOOT), downEnd(normed, top - 12), "residual", "norm", { chosen: line.rows.chosen })
  norm(s, part.norm, from.x - 2, top - 14, u + 4, 10)
  const beside = s.narrow ? [from.x - 6, top - 9, { align: "right" }] : [from.x + u + 6, top - 32, { align: "left" }]
  text(s, part.norm.title, beside[0], beside[1], { size: 9.5, soft: true, ...beside[2] })
  return { end: rightEnd(normed), x: normed.x + u, kind: "norm", normed }
}

// Back into the stream: the update is added, and the norm stands here where it comes after the sum.
function rejoin(s, line, part, from, update, y) {
  const { rows } = line, u = update.w, centre = update.x + u / 2
  const to = rows.at.map((at) => [update.x + u, y + at + rows.size / 2, update.x, y + at + rows.size / 2, 0, -1])
  const up = downEnd(update, update.y - 2).map(([ax, ay, bx, by]) => [ax, ay, bx, by, 0, -1])
  const merged = up.map((end, i) => [end[0], to[i][1], end[2], to[i][3], 0, -1])
  flow(s, up, merged, update.part.kind, update.part.kind, { chosen: rows.chosen, fade: "out" })
  const sum = strip(s, part.sum, update.x + u + 12 * s.f, y, u, rows)
  flow(s, rightEnd(from), leftEnd(sum), "residual", "residual", { chosen: rows.chosen })
  text(s, "the residual stream", (from.x + from.w + update.x) / 2, y + rows.total / 2, { size: 10.5, soft: true, plain: true })
  plus(s, centre, y + rows.total / 2, part.sum, [part.add, "what the token was, and the update"])
  s.last = sum
  if (!part.first && part.normed) {
    const wide = 28 * s.f, next = strip(s, part.normed, sum.x + u + wide, y, u, rows)
    flow(s, rightEnd(sum), leftEnd(next), "residual", "residual", { chosen: rows.chosen })
    const pill = norm(s, part.norm, next.x - wide / 2 - 5, y - 2, 10, rows.total + 4)
    text(s, part.norm.title, pill.x + 5, y + rows.total + (s.narrow ? 21 : 10), { size: 9, soft: true })
    s.last = next
  }
  return s.last.x + s.last.w
}

export function attention(s, line, part, x, y) {
  const from = begin(s, line, part.in, x, y), { rows, detour: top } = line, u = from.w, chosen = rows.chosen
  const source = leave(s, line, part, from)
  const q = strip(s, part.q, source.x + 34 * s.f, top, u, rows, { untitled: true, plate: true })
  title(s, q, q.title + rotated(part))
  flow(s, source.end, leftEnd(q), source.kind, "q", { chosen })
  const { map, v } = looking(s, line, part, q, source)
  const all = gathered(s, line, part, map, v, u)
  const out = strip(s, part.out, all.x + all.w + 18 * s.f, top, u, rows, { untitled: true })
  flow(s, rightEnd(all), leftEnd(out), "v", "weight", { chosen })
  text(s, "update", out.x + u / 2, out.y + out.h + 22, { bold: true, kind: "weight" })
  const what = part.memory ? "attention to the encoder" : "attention"
  text(s, `${what}, head ${s.data.open.head} of ${s.data.open.of}`, map.x + map.w / 2, v.y + v.h + 16, { size: 12.5, bold: true })
  if (line.first) labels(s, line.tokens, rows, from.x, top, false, true)
  return rejoin(s, line, part, from, out, y)
}

const rotated = (part) => (part.turned ? " ↻" : "")      // q and k are rotated by the token's position

// Who looks at whom: the weights between the queries on their left, the keys above them and the values below.
function looking(s, line, part, q, source) {
  const { rows, detour: top } = line, chosen = rows.chosen, thick = 34, looked = s.data.tokens[s.data.maps[part.pattern].columns]
  const columns = places(looked, line.cell), left = q.x + q.w + (part.memory ? 30 : 8), above = top - thick - 8
  const k = strip(s, part.k, left, above, thick, columns, { upright: true, untitled: true })
  const map = grid(s, part.pattern, left, top, rows, columns, { row: chosen, mask: part.mask })
  const v = strip(s, part.v, left, top + rows.total + 8, thick, columns, { upright: true, untitled: true })
  text(s, k.part.title + rotated(part), left - 6, above - 1, { bold: true, kind: "k", align: "right" })
  text(s, v.part.title, left - 6, v.y + thick + 3, { bold: true, kind: "v", align: "right" })
  flow(s, rightEnd(q), leftEnd(map), "q", "weight", { chosen })
  if (part.memory) across(s, line, part, k, v, columns)
  else for (const [block, kind] of [[k, "k"], [v, "v"]])
    flow(s, source.end, sideEnd(block, block.x, 1), source.kind, kind, { chosen })
  looked.labels.forEach((label, i) => text(s, shorten(label, 9), left + columns.at[i] + columns.size / 2 + 3, (part.memory ? above - 40 : above) - 6,
    { align: "left", size: clamp(line.cell - 2, 8, 10.5), angle: -Math.PI / 3.2, bold: i === looked.chosen, accent: i === looked.chosen }))
  corner(s, part, left + columns.total + 10, above - 4, 26)
  return { map, v }
}

// What the head gathered, and its place among what all heads did. u: how wide a vector is drawn.
function gathered(s, { rows, detour: top }, part, map, v, u) {
  const right = map.x + map.w, chosen = rows.chosen
  const z = strip(s, part.z, right + 20 * s.f, top, u, rows)
  flow(s, rightEnd(map), leftEnd(z), "weight", "v", { chosen })
  flow(s, reversed(sideEnd(v, right, 1, rows.at.length)).reverse(), leftEnd(z), "v", "v", { strength: 0.7 })
  const all = strip(s, part.all, z.x + u + 16 * s.f, top, u * 1.5, rows)
  flow(s, rightEnd(z), slot(all), "v", "v", { chosen })
  return all
}

// Where the chosen head's numbers lie among all heads.
function slot(all) {
  const { groups, chosen } = all.part, x = all.x + all.w * chosen / groups
  return leftEnd({ ...all, x })
}

// What changes the scores before softmax: who may look at whom, and a learned number for the distance.
function corner(s, part, x, y, size) {
  const small = (n) => ({ at: Array.from({ length: n }, (_, i) => i * size / n), size: size / n, total: size, jumps: [] })
  let at = x
  for (const [key, words] of [[part.bias, "distance"], [part.mask, "mask"]]) {
    if (!key) continue
    const shape = s.data.maps[key].shown
    const item = grid(s, key, at, y, small(shape[0]), small(shape[1]), { thumb: true })
    text(s, words, at + size / 2, y - 7, { size: 9.5, soft: true })
    at += size + 12
    if (key === part.bias) text(s, "+", item.x - 5, y + size / 2, { bold: true })
  }
}

// Across: keys and values are made of what the encoder read, its last vectors.
function across(s, line, part, k, v, columns) {
  const block = strip(s, part.memory, k.x, k.y - 38, 26, columns, { upright: true, untitled: true, twin: true })
  text(s, "encoder", block.x - 6, block.y + 12, { bold: true, kind: "residual", align: "right" })
  flow(s, downEnd(block, block.y + block.h), downEnd(k, k.y), "residual", "k", {})
  const n = columns.at.length
  flow(s, sideEnd(block, block.x, -1, n), reversed(sideEnd(v, v.x, 1, n)).reverse(), "residual", "v", { bend: 26 })
  line.memory = block
}

export function feedForward(s, line, part, x, y) {
  const from = begin(s, line, part.in, x, y), { rows, detour: top } = line, f = s.f, u = from.w, chosen = rows.chosen
  const source = leave(s, line, part, from), tokens = s.data.tokens[s.data.open.side]
  const half = part.ways.length > 1 ? places(tokens, line.cell * 0.5) : rows, wide = u * 1.35
  const starts = part.gated ? [top - 8, top + rows.total - half.total + 8] : [top]
  const ways = part.ways.map((key, i) => strip(s, key, source.x + 32 * f, starts[i], wide, half, { untitled: i > 0, bare: part.gated }))
  if (part.gated) text(s, "up", ways[1].x + wide / 2, ways[1].y + ways[1].h + 9, { bold: true, kind: "mlp" })
  const hidden = strip(s, part.hidden, ways[0].x + wide + (part.gated ? 34 : 40) * f, top, wide, rows)
  for (const way of ways) {
    flow(s, source.end, leftEnd(way), source.kind, "mlp", { chosen })
    flow(s, rightEnd(way), leftEnd(hidden), "mlp", "mlp", { chosen })
  }
  const between = (ways[0].x + wide + hidden.x) / 2, middle = top + rows.total / 2
  if (part.gated) plus(s, between, middle, part.hidden, [`${part.activation}(gate) × up`, "each neuron is opened by a gate"], "×", "mlp")
  else sign(s, "curve", between - 10, middle - 10, 20, 20, { act: part.hidden, kind: "mlp",
    tip: [part.activation, "the activation: what each neuron makes of its number"] })
  if (!part.gated) text(s, part.activation, between, middle - 17, { size: 9, soft: true })
  const out = strip(s, part.out, hidden.x + wide + 18 * f, top, u, rows, { untitled: true })
  flow(s, rightEnd(hidden), leftEnd(out), "mlp", "mlp", { chosen })
  text(s, "update", out.x + u / 2, out.y + out.h + 22, { bold: true, kind: "mlp" })
  text(s, "feed-forward, each token alone", (ways[0].x + out.x + u) / 2, top + rows.total + 58, { size: 12.5, bold: true })
  return rejoin(s, line, part, from, out, y)
}
