// Where everything of the map stands: strips, maps, signs and the flows between them, from the parts that Python names. No family
// of models is known here: what there is to draw follows from the model's own configuration and trace.
const HEAD = 24, FOOT = 16          // room for a strip's title above it and the end of its scale below

// --- where things stand: a sheet collects items (strips, maps, signs), flows and texts ------------------------------------------

const newSheet = (data, f, narrow) => ({ data, f, narrow, items: [], flows: [], texts: [], frames: [], last: null })

// Rows or columns of tokens; where tokens are left out there is a gap.
function places(tokens, size) {
  const at = [], jumps = [], gap = Math.min(10, size * 0.8)
  let end = 0
  tokens.at.forEach((position, i) => {
    if (i && position !== tokens.at[i - 1] + 1) { jumps.push(end + gap / 2); end += gap }
    at.push(end)
    end += size
  })
  return { at, size, total: end, jumps, chosen: tokens.chosen }
}

function strip(s, key, x, y, w, rows, more = {}) {
  const part = s.data.strips[key]
  const item = { type: "strip", key, part, x, y, w, h: rows.total, rows, act: key, title: part.title, ...more }
  if (item.upright) Object.assign(item, { w: rows.total, h: w })
  s.items.push(item)
  if (!item.untitled) title(s, item, item.title)
  if (!item.upright && !item.bare) text(s, `±${rounded(part.limit, 2)}`, x + w / 2, y + item.h + 10, { size: 9, soft: true, plate: item.plate })
  return item
}

const text = (s, words, x, y, more = {}) => s.texts.push({ words, x, y, size: 11, align: "center", ...more })
const title = (s, item, words, more = {}) => text(s, words, item.x + item.w / 2, item.y - 8, { bold: true, kind: item.part.kind, ...more })

function sign(s, type, x, y, w, h, more) {
  const item = { type, x, y, w, h, ...more }
  s.items.push(item)
  return item
}

const plus = (s, x, y, name, tip, mark = "+", kind = "residual") =>
  sign(s, "plus", x - 9, y - 9, 18, 18, { act: name, tip, mark, kind })

function norm(s, info, x, y, w, h) {
  return sign(s, "norm", x, y, w, h, { act: info.name, tip: [info.about, info.does], kind: "norm" })
}

function grid(s, key, x, y, rows, columns, more = {}) {
  const item = { type: "map", key, part: s.data.maps[key], x, y, w: columns.total, h: rows.total, rows, columns, act: key, ...more }
  s.items.push(item)
  return item
}

// The ends of flows: for each token two points of an edge, and the direction in which it is crossed.
const rightEnd = ({ x, y, w, rows }) => rows.at.map((at) => [x + w, y + at, x + w, y + at + rows.size, 1, 0])
const leftEnd = ({ x, y, rows }) => rows.at.map((at) => [x, y + at, x, y + at + rows.size, 1, 0])
const spread = (from, size, n, end) => Array.from({ length: n }, (_, i) => end(from + i * size / n, from + (i + 1) * size / n))
const downEnd = (item, y, n = item.rows.at.length) => spread(0, item.w, n, (a, b) => [item.x + item.w - a, y, item.x + item.w - b, y, 0, 1])
const sideEnd = (item, x, dx, n = item.rows.at.length) => spread(item.y, item.h, n, (a, b) => [x, a, x, b, dx, 0])
const reversed = (end) => end.map(([ax, ay, bx, by, dx, dy]) => [bx, by, ax, ay, dx, dy])

function flow(s, from, to, kind, into, more = {}) {
  s.flows.push({ from, to, kind, into: into ?? kind, chosen: null, ...more })
}

const labelled = (s) => (s.narrow ? 54 : 90)

// The tokens beside their rows; again: beside the matrix, where they only say which row is which.
function labels(s, tokens, rows, x, y, act, again) {
  tokens.labels.forEach((label, i) => {
    const chosen = i === tokens.chosen
    const words = shorten(label, s.narrow ? 7 : 12)
    const size = clamp(rows.size - 1.5, 8.5, s.narrow ? 11 : 12)
    text(s, words, x - 5, y + rows.at[i] + rows.size / 2, { align: "right", size, bold: chosen, accent: chosen, soft: again })
    if (!again) sign(s, "token", x - labelled(s) + 2, y + rows.at[i], labelled(s) - 5, rows.size,
      { act: `token/${tokens.side}/${tokens.at[i]}`, tip: [`${label}  (${tokens.at[i]})`, chosen ? "the chosen token" : "choose this token"],
        pressed: chosen, quiet: !act, side: tokens.side, row: i })
  })
  for (const jump of rows.jumps) text(s, "⋮", x - 12, y + jump, { size: 10, soft: true })
}

// The stream goes on in the next line of the picture: its tokens and its vector stand there again.
function begin(s, line, key, x, y) {
  if (!line.first) return s.last
  const tokens = line.tokens, rows = line.rows
  labels(s, tokens, rows, x + labelled(s), y, line.act)
  return strip(s, key, x + labelled(s), y, line.unit * s.f, rows, line.more)
}

// --- a side: tokens, what is added, the layers, the last vectors ----------------------------------------------------------------

function embedding(s, line, x, y) {
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

function layers(s, line, x, y) {
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

function ends(s, line, x, y) {
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
const below = (out) => (out.pooled.length ? 62 * out.pooled.length + 4 : 0)

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

// --- the opened layer -----------------------------------------------------------------------------------------------------------

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

function attention(s, line, part, x, y) {
  const from = begin(s, line, part.in, x, y), { rows, detour: top } = line, f = s.f, u = from.w, thick = 34
  const source = leave(s, line, part, from), chosen = rows.chosen
  const looked = s.data.tokens[s.data.maps[part.pattern].columns], columns = places(looked, line.cell)
  const turn = part.turned ? " ↻" : ""      // q and k are rotated by the token's position
  const q = strip(s, part.q, source.x + 34 * f, top, u, rows, { untitled: true, plate: true })
  title(s, q, q.title + turn)
  const left = q.x + u + (part.memory ? 30 : 8), above = top - thick - 8
  const k = strip(s, part.k, left, above, thick, columns, { upright: true, untitled: true })
  const map = grid(s, part.pattern, left, top, rows, columns, { row: chosen, mask: part.mask })
  const v = strip(s, part.v, left, top + rows.total + 8, thick, columns, { upright: true, untitled: true })
  text(s, k.part.title + turn, left - 6, above - 1, { bold: true, kind: "k", align: "right" })
  text(s, v.part.title, left - 6, v.y + thick + 3, { bold: true, kind: "v", align: "right" })
  flow(s, source.end, leftEnd(q), source.kind, "q", { chosen })
  flow(s, rightEnd(q), leftEnd(map), "q", "weight", { chosen })
  if (part.memory) across(s, line, part, k, v, columns)
  else for (const [block, kind] of [[k, "k"], [v, "v"]])
    flow(s, source.end, sideEnd(block, block.x, 1), source.kind, kind, { chosen })
  looked.labels.forEach((label, i) => text(s, shorten(label, 9), left + columns.at[i] + columns.size / 2 + 3, (part.memory ? above - 40 : above) - 6,
    { align: "left", size: clamp(line.cell - 2, 8, 10.5), angle: -Math.PI / 3.2, bold: i === looked.chosen, accent: i === looked.chosen }))
  const right = left + columns.total
  corner(s, part, right + 10, above - 4, 26)
  const z = strip(s, part.z, right + 20 * f, top, u, rows)
  flow(s, rightEnd(map), leftEnd(z), "weight", "v", { chosen })
  flow(s, reversed(sideEnd(v, right, 1, rows.at.length)).reverse(), leftEnd(z), "v", "v", { strength: 0.7 })
  const all = strip(s, part.all, z.x + u + 16 * f, top, u * 1.5, rows)
  flow(s, rightEnd(z), slot(all), "v", "v", { chosen })
  const out = strip(s, part.out, all.x + all.w + 18 * f, top, u, rows, { untitled: true })
  flow(s, rightEnd(all), leftEnd(out), "v", "weight", { chosen })
  text(s, "update", out.x + u / 2, out.y + out.h + 22, { bold: true, kind: "weight" })
  const what = part.memory ? "attention to the encoder" : "attention"
  text(s, `${what}, head ${s.data.open.head} of ${s.data.open.of}`, map.x + map.w / 2, v.y + thick + 16, { size: 12.5, bold: true })
  if (line.first) labels(s, line.tokens, rows, from.x, top, false, true)
  return rejoin(s, line, part, from, out, y)
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

function feedForward(s, line, part, x, y) {
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

// --- lines of segments: as many beside each other as there is room for ----------------------------------------------------------

// How wide segments are at a size f: nothing is kept of what they draw.
function measured(data, segments, line, f, narrow, before) {
  const s = newSheet(data, f, narrow)
  s.last = before
  return segments.reduce((x, segment, i) => segment(s, { ...line, first: i === 0 }, x, 0), 0)
}

function broken(data, segments, line, width, narrow) {
  const lines = []
  for (let rest = segments; rest.length;) {
    let n = rest.length
    while (n > 1 && measured(data, rest.slice(0, n), line, narrow ? 0.6 : 0.66, narrow) > width) n--
    const one = measured(data, rest.slice(0, n), line, 1, narrow), two = measured(data, rest.slice(0, n), line, 2, narrow)
    lines.push({ segments: rest.slice(0, n), f: clamp((width - one) / (two - one) + 1, narrow ? 0.55 : 0.66, 1.7) })
    rest = rest.slice(n)
  }
  return lines
}

function drawLine(s, { segments, f }, line, y) {
  s.f = f
  return segments.reduce((x, segment, i) => { line.first = i === 0; return segment(s, line, x, y) }, line.x)
}

function layout(data, width) {
  const s = newSheet(data, 1, width < 620)
  let y = 4, outs = {}
  for (const [side, tokens] of Object.entries(data.tokens)) tokens.side = side
  for (const river of data.rivers) {
    const tokens = data.tokens[river.side], rows = places(tokens, clamp(190 / tokens.labels.length, 12, 19))
    const line = { river, tokens, rows, unit: 34, act: true, x: 0 }
    if (data.rivers.length > 1) { text(s, river.side, 0, y + 8, { bold: true, align: "left", size: 13 }); y += 14 }
    for (const part of broken(data, [embedding, layers, ends], line, width - (s.narrow ? 22 : 4), s.narrow)) {
      y += HEAD + (outs.encoder ? 26 : 14)
      s.right = Math.max(s.right ?? 0, drawLine(s, part, line, y))
      y += Math.max(rows.total, data.output.words.length * 17 + below(data.output)) + FOOT + 6
    }
    if (outs.encoder) crossing(s, outs.encoder, line)
    outs[river.side] = line
    if (data.open.side === river.side) { y = openedLayer(s, line, width, y, outs); line.opened = true }
  }
  s.height = y
  s.width = Math.max(width, s.right + 1)
  return s
}

// The encoder's last vectors reach every layer of the decoder; where the opened layer lies between, the flow dips under it.
function crossing(s, { out, opened }, line) {
  const [left, right] = line.layersAt, top = line.thumbs[0].y - 30, n = out.rows.at.length, from = out.y + out.h + FOOT
  const into = downEnd({ x: left, w: right - left }, top, n)
  if (opened) {
    flow(s, downEnd(out, from), downEnd(out, from + 40, n), "residual", "weight", { strength: 0.9, fade: "out" })
    flow(s, into.map(([ax, , bx, , dx, dy]) => [ax, top - 26, bx, top - 26, dx, dy]), into, "weight", "weight", { strength: 0.9, fade: "in" })
  } else flow(s, downEnd(out, from), into, "residual", "weight", { strength: 0.55 })
  text(s, "from the encoder: k, v for every layer", (left + right) / 2, top - 6, { size: 10, bold: true })
}

function openedLayer(s, river, width, y, outs) {
  const { data } = s, { open } = data, tokens = data.tokens[open.side], pad = s.narrow ? 6 : 16
  const n = tokens.labels.length, cell = clamp((s.narrow ? 96 : 160) / n, s.narrow ? 8 : 9, 14), rows = places(tokens, cell)
  const parts = open.parts.map((part) => (s, line, x, y) => (part.kind === "mlp" ? feedForward : attention)(s, line, part, x, y))
  const thumb = river.thumbs[open.layer], top = y + 26, frame = { x: 1, y: top, thumb }
  const line = { tokens, rows, cell, unit: s.narrow ? 28 : 34, x: pad, detour: 0, act: false }
  let at = top + 26, count = 0
  text(s, `Layer ${open.layer}, opened`, pad + 4, top + 15, { bold: true, align: "left", size: 13 })
  s.right = Math.max(s.right, width)
  if (open.times > 1) text(s, `× ${open.times} layers, all alike`, s.right - pad - 4, top + 15, { align: "right", size: 11, soft: true })
  for (const each of broken(data, parts, line, width - 2 * pad, s.narrow)) {
    const looking = open.parts.slice(count, count += each.segments.length).filter((part) => part.kind !== "mlp")
    const looked = looking.map((part) => places(data.tokens[data.maps[part.pattern].columns], cell).total)
    at += HEAD
    line.detour = at + rows.total + FOOT + (looking.length ? 96 + (looking.some((part) => part.memory) ? 40 : 0) : 40)
    s.right = Math.max(s.right, drawLine(s, each, line, at) + pad)
    at = line.detour + rows.total + 74
  }
  if (line.memory && outs.encoder) {
    const out = outs.encoder.out, m = line.memory
    flow(s, downEnd(out, out.y + out.h + FOOT), downEnd(m, m.y, out.rows.at.length), "residual", "weight", { strength: 0.4 })
  }
  Object.assign(frame, { w: Math.max(width, s.right) - 2, h: at - top })
  s.frames.push(frame)
  return at + 4
}
