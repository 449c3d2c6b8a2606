// Where everything of the overview stands: strips, maps, signs and the flows between them, from the parts that Python names, as many
// beside each other as there is room for. No family of models is known here: what there is to draw follows from the model's own
// configuration and trace. No element is touched here.
import { clamp } from "./numbers.js"
import { attention, feedForward } from "./overview_layer.js"
import { downEnd, flow, FOOT, HEAD, newSheet, places, text } from "./overview_sheet.js"
import { below, embedding, ends, layers } from "./overview_sides.js"

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

export function layout(data, width) {
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
