// Where everything of the overview stands, on a desk and on a telephone, from the parts that Python names. No family of models is
// known here: what there is to draw follows from the model's own configuration and trace. No element is touched here.
import { clamp } from "./numbers.js"
import { columns, grid, middle, newSheet, norm, oneRow, places, plus, sign, strip, text, title } from "./overview_places.js"
import { labelled } from "./overview_reading.js"
import { shorten } from "./words.js"

const HEAD = 92                    // room above the rows for titles, the names of the columns and the keys
const LEAST_MAP = 220, LEAST_NARROW = 184
const LETTER = 0.64                // how wide a letter is, of its size
const APART = 13                   // between the words of the question and the others

// shownKind: of a layer with two attentions the one that is unfolded, "attention" or "cross".
export function layout(data, width, shownKind = "cross") {
  const s = newSheet(data, width)
  for (const [side, tokens] of Object.entries(data.tokens)) tokens.side = side
  s.narrow = width < 760
  s.tight = width < 1000                      // what comes out stands below
  s.parts = data.open.parts
  s.part = s.parts.find((part) => part.kind === shownKind) ?? s.parts.find((part) => part.kind !== "mlp")
  s.mlp = s.parts.at(-1)
  s.steps = stepsOf(data)
  let y = 0
  for (const river of data.rivers) y = (s.narrow ? narrowRiver : wideRiver)(s, river, y)
  s.height = y
  s.width = Math.max(width, ...s.items.filter(({ type }) => type !== "title").map(({ x, w }) => x + w))
  return s
}

// The layers that run before the opened one, and those that run after it: where each stands among them, and how many they are. Of two
// sides the first has run when the second begins.
function stepsOf({ rivers, open }) {
  const lists = { before: [], after: [] }, first = rivers.findIndex(({ side }) => side === open.side)
  rivers.forEach(({ layers, out, feeds }, i) => {
    const passed = i < first ? layers.length : i > first ? 0 : open.layer
    lists.before.push(...layers.slice(0, passed))
    lists.after.push(...layers.slice(passed))
    if (feeds) lists[i < first ? "before" : "after"].push(out)
  })
  return new Map(["before", "after"].flatMap((when) => lists[when].map((key, nth) => [key, { when, nth, of: lists[when].length }])))
}

// What the marks of the motion are called: the layers before the opened one and after it, and what comes out.
export function marksOf({ rivers, open, output }) {
  const [first, second] = rivers, own = rivers.find(({ side }) => side === open.side), many = rivers.length > 1
  const before = layerWords(0, open.layer), after = layerWords(open.layer + 1, own.of), guess = output.words.length ? "guess" : "result"
  const passed = many && own === second ? (before ? "layers before" : first.side) : before
  return { before: passed, after: many && own === first ? (after ? "layers after" : second.side) : after, guess }
}

const layerWords = (from, to) => (from >= to ? "" : to - from === 1 ? `layer ${from}` : `layers ${from}–${to - 1}`)

// --- a river ------------------------------------------------------------------------------------------------------------------------

const isOpen = (s, river) => s.data.open.side === river.side
const speaks = (s, river) => s.data.output.side === river.side
const labelSize = (s, rows) => clamp(rows.size - 5, 9.5, s.narrow ? 12.5 : s.tight ? 13 : 15)
const quietSize = (s, rows) => Math.min(11, labelSize(s, rows))

function labelRoom(tokens, size) {
  const longest = Math.max(...tokens.labels.map((label) => Math.min(label.length, 15)))
  return clamp(longest * size * LETTER + 14, 46, 142)
}

function rowSize(s, river, n) {
  const two = s.data.rivers.length > 1
  if (s.narrow) return clamp(190 / n, 14, 24)
  return isOpen(s, river) ? clamp((two ? 240 : 330) / n, two ? 15 : 19, 44) : clamp(130 / n, 11, 20)
}

function wideRiver(s, river, y) {
  const tokens = s.data.tokens[river.side], rows = places(tokens, rowSize(s, river, tokens.labels.length)), open = isOpen(s, river)
  const room = labelRoom(tokens, labelSize(s, rows)), top = y + (open ? HEAD : 42)
  const frame = open ? frameColumns(s) : [], before = open ? river.layers.slice(0, s.data.open.layer) : river.layers
  const after = river.layers.slice(before.length), many = river.layers.length
  const each = clamp(150 / Math.max(many, 1), 7, 46)
  const strips = (list, from) => list.map((_, i) => [`layer${from + i}`, 0, each])
  const list = [["labels", room, 0], ["input", 0, 46], ["", 0, 12], ...strips(before, 0), ...frame, ["", open ? 8 : 0, open ? 0 : 8],
    ...strips(after, before.length), ...(river.last ? [["last", 12, 0]] : []), ["out", 0, 52],
    ...(speaks(s, river) && !s.tight ? [["", 22, 14], ["words", 130, 92]] : [])]
  const place = columns(list, s.width - 2, s.tight ? 0.36 : 0.5)
  stream(s, river, place, rows, top, each * place.f)
  if (open) frameAround(s, river, place, rows, top)
  else if (s.feeds) readBy(s, river, place, top)
  let low = top + rows.total + (open ? 18 : 14)
  if (speaks(s, river)) low = s.tight ? narrowOutcome(s, low + 26) : Math.max(low, outcome(s, river, place, rows, top) + 6)
  if (s.data.rivers.length > 1) text(s, river.side, 0, y + 14, { align: "left", bold: true, size: 13 })
  if (river.feeds) s.feeds = { ...place.out, y: top + rows.total }
  return low
}

// The words, the vectors they come in with, the stream after every layer, the vectors that come out.
function stream(s, river, place, rows, top, pitch) {
  const { input, out } = place, tokens = s.data.tokens[river.side]
  s.bands.push({ x: input.x, w: out.x + out.w - input.x, y: top, rows, side: river.side })
  labels(s, tokens, rows, input.x, top)
  const first = strip(s, river.first ?? river.token, { x: input.x, w: input.w - 4 }, top, rows, "fill", { added: river.added,
      begins: river.token })
  title(s, "input", input.x + input.w / 2 - 2, top - 12, river.first ?? river.token, "opens its page", { when: "fill" })
  if (river.added.length) title(s, s.tight ? "+ pos." : "+ position", input.x + input.w / 2 - 2, top - 29, river.added[0],
    "opens its page", { when: "position", size: 11, kind: "position" })
  if (river.norm) norm(s, river.norm, { x: input.x + input.w + 1, w: 7 }, top, rows, "position")
  river.layers.forEach((key, n) => layerStrip(s, river, key, n, place[`layer${n}`], pitch, rows, top))
  if (pitch <= 40) layersTitle(s, river, place, top)
  const passed = s.steps.get(river.out) ?? { when: "out" }
  if (river.last) norm(s, river.last, place.last, top, rows, passed.when)
  const last = strip(s, river.out, { x: out.x, w: out.w - 6 }, top, rows, passed.when, passed)
  title(s, "in context", Math.min(out.x + out.w / 2 - 3, s.width - 30), top - 12, river.out, "what is done with the last vectors",
      { when: passed.when, size: 11.5 })
  return [first, last]
}

// The encoder's last vectors, which every layer of the decoder reads; where that one is not opened, a line leads to all its layers.
function readBy(s, river, { out, ...place }, top) {
  const first = place.layer0, step = s.steps.get(river.layers[0])
  s.lines.push({ kind: "memory", from: [s.feeds.x + s.feeds.w / 2 - 3, s.feeds.y + 3], to: [(first.x + out.x) / 2, top - 24], when: step.when })
  text(s, "every decoder layer looks at these", s.feeds.x - 16, s.feeds.y + 34, { align: "right", size: 11.5, soft: true, when: step.when })
}

// Over the numbers of the layers, where these have no room for the word.
function layersTitle(s, river, place, top) {
  const count = isOpen(s, river) && s.data.open.layer || river.layers.length, first = place.layer0, last = place[`layer${count - 1}`]
  const middle = first && (first.x + last.x + last.w) / 2, beside = place.input.x + place.input.w / 2 + 44     // where “+ pos.” ends
  if (first && middle > beside) text(s, "layers", middle, top - 29, { size: 11, soft: true, when: s.steps.get(river.layers[0]).when })
}

function layerStrip(s, river, key, n, place, pitch, rows, top) {
  const chosen = n === river.chosen, every = pitch > 17 ? 1 : Math.ceil(17 / pitch)
  const step = s.steps.get(key), { when } = step
  strip(s, key, { x: place.x, w: place.w - clamp(place.w * 0.22, 1.5, 9) }, top, rows, when, { ...step, chosenLayer: chosen })
  const words = n === 0 && pitch > 40 ? "layer 0" : String(n), middle = place.x + (place.w - clamp(place.w * 0.22, 1.5, 9)) / 2, wide = Math.min(pitch, words.length * 7 + 8)
  if (n % every === 0 || chosen) text(s, words, middle, top - 12, { when, bold: chosen, accent: chosen, size: 11.5 })
  sign(s, "title", middle - wide / 2, top - 22, wide, 20, { act: `layer/${river.side}/${n}`, tip: [`layer ${n}`, chosen
      ? "the layer that is opened" : "open this layer"] })
}

// The words beside their rows, which choose.
function labels(s, tokens, rows, x, y, quiet = false) {
  const size = (quiet ? quietSize : labelSize)(s, rows), room = Math.min(labelRoom(tokens, size), x)
  const most = Math.max(4, Math.floor((room - 10) / (size * LETTER)))
  tokens.labels.forEach((label, i) => {
    const chosen = i === tokens.chosen
    text(s, labelled(tokens, i, most), x - 9, y + rows.at[i] + rows.size / 2, { align: "right", size, bold: chosen, accent: chosen, row: i,
        of: tokens.labels.length, when: "drop" })
    if (quiet) return
    sign(s, "token", 0, y + rows.at[i], x - 4, rows.size, { act: `token/${tokens.side}/${tokens.at[i]}`, pressed: chosen,
        side: tokens.side, row: i,
      tip: [labelled(tokens, i), s.data.meanings?.[label] ?? (chosen ? "the chosen word" : "choose this word")] })
  })
  rows.jumps.forEach((jump, i) => text(s, `⋮ ${rows.left[i]} more`, x - 9, y + jump, { size: 10, soft: true, align: "right", when: "fill" }))
}

// --- the opened layer -------------------------------------------------------------------------------------------------------------

const attentions = (s) => s.parts.filter((part) => part.kind !== "mlp")
const lookedAt = (s) => s.data.tokens[s.data.maps[s.part.pattern].columns]
const across = (s) => s.part.kind === "cross"

// The parts of the layer side by side. One attention is unfolded; another only adds its update.
function frameColumns(s) {
  const list = [["frame", 12, 0]]
  for (const part of attentions(s)) {
    const name = part === s.part ? "" : "other"
    if (part.first) list.push([`norm${name}`, 14, 0])
    if (part === s.part) list.push(["q", 0, 40], ["lines", 22, 40], ["map", mapWidth(s), 0], ["", across(s) ? 58 : 10, 0],
      ["v", 0, 40], ["flow", 14, 34], ["z", 0, 34], gap(s))
    list.push([`update${name}`, 0, 34], ["", 4, 0], [`plus${name}`, 22, 0])
    if (!part.first) list.push([`norm${name}`, 14, 0])
    list.push(["", 0, 8])
  }
  if (s.mlp.first) list.push(["normMlp", 14, 0])
  list.push(["neurons", 0, 46], gap(s), ["write", 0, 34], ["", 4, 0], ["plusMlp", 22, 0])
  if (!s.mlp.first) list.push(["normMlp", 14, 0])
  return [...list, ["frameEnd", 14, 0]]
}

// Between two strips whose names stand side by side.
const gap = (s) => (s.tight ? ["", 15, 0] : ["", 0, 9])

function mapWidth(s) {
  const seen = lookedAt(s), n = seen.labels.length
  return Math.max(LEAST_MAP, n * clamp(LEAST_MAP / n, 12, 31)) + 10 * gaps(seen)
}

const gaps = (tokens) => tokens.at.filter((at, i) => i && at !== tokens.at[i - 1] + 1).length
const mapColumns = (s, wide) => places(lookedAt(s), (wide - 10 * gaps(lookedAt(s))) / lookedAt(s).labels.length)

function frameAround(s, river, place, rows, top) {
  const { open } = s.data, left = place.frame.x + 2, right = place.frameEnd.x + place.frameEnd.w - 2
  s.frames.push({ x: left, y: top - HEAD + 2, w: right - left, h: HEAD + rows.total + 14 })
  heading(s, river, left + 12, top - HEAD + 18)
  unfolded(s, place, rows, top)
  for (const part of attentions(s)) adding(s, place, part, part === s.part ? "" : "other", rows, top)
  feedForward(s, place, rows, top)
}

// What is opened.
function heading(s, river, x, y) {
  const { layer, head } = s.data.open, size = s.narrow ? 12.5 : 13.5, words = `Layer ${layer}`, more = { align: "left", bold: true, accent: true, size }
  title(s, words, x, y, `layer/${river.side}/${layer}`, "opens the page Layers", more)
  title(s, `head ${head}`, x + 14 + words.length * size * 0.58, y, "heads", "opens the page Heads", more)
}

// Queries, keys, weights, values, z; and lines from the looking word to all that it looks at.
function unfolded(s, place, rows, top) {
  const { part } = s, at = (name) => ({ x: place[name].x, w: place[name].w - 3 }), seen = lookedAt(s), cross = across(s)
  const columns = mapColumns(s, place.map.w), rowsV = cross ? fitted(seen, rows.total) : rows
  if (part.first && place.norm) norm(s, part.norm, place.norm, top, rows, "query")
  const q = named(s, strip(s, part.q, at("q"), top, rows, "query"), `queries${part.turned ? " ↻" : ""}`, part.q)
  const map = grid(s, part.pattern, place.map.x, top, rows, columns, { mask: part.mask, silent: s.data.silent && !cross,
      head: namesHeight(s, seen, columns) })
  strip(s, part.k, { x: map.x, w: 17 }, top - 22, columns, "query", { upright: true })
  title(s, `keys${part.turned ? " ↻" : ""}`, map.x - 5, top - 13, part.k, "opens its page", { align: "right", kind: "k", when: "query",
      size: 11.5 })
  columnNames(s, seen, columns, map.x, top - 27)
  const v = named(s, strip(s, part.v, at("v"), top, rowsV, "value"), "values", part.v)
  if (cross) seen.labels.forEach((_, i) => text(s, labelled(seen, i, 8), v.x - 5, middle(v, i), { align: "right",
      size: clamp(rowsV.size - 2, 8, 11), soft: true, when: "value" }))
  const z = named(s, strip(s, part.z, at("z"), top, rows, "travel"), "z", part.z)
  s.looking = { q, map, v, z, side: s.data.open.side, part }
  if (cross) s.lines.push({ kind: "memory", when: "query", from: [s.feeds ? s.feeds.x + s.feeds.w / 2 : map.x, s.feeds ? s.feeds.y : top - HEAD],
      to: [map.x + map.w / 2, top - 24] })
}

const fitted = (tokens, total) => places(tokens, (total - 10 * gaps(tokens)) / tokens.labels.length)

function named(s, item, words, act, more = {}) {
  title(s, words, item.x + item.w / 2, item.y - 12, act, "opens its page", { kind: item.part.kind, when: item.when, size: 11.5, ...more })
  return item
}

function namesLook(s, columns) {
  const close = columns.size < 19
  if (s.narrow && !close) return { size: 11, most: 11, angle: -1.05 }         // steep: there is little room beside the last one
  return { size: clamp(columns.size - (close ? 2.5 : 7), 9, 12), most: close ? 7 : 12, angle: close ? -1.05 : -0.66 }
}

// How far above the map its longest name reaches.
function namesHeight(s, tokens, columns) {
  const { size, most, angle } = namesLook(s, columns)
  return 29 + Math.max(...tokens.labels.map((label) => Math.min(label.length, most))) * size * 0.56 * Math.sin(-angle)
}

function columnNames(s, tokens, columns, x, y) {
  const { size, most, angle } = namesLook(s, columns)
  tokens.labels.forEach((_, i) => text(s, labelled(tokens, i, most), x + columns.at[i] + columns.size / 2, y - 2,
    { align: "left", size, angle, bold: i === tokens.chosen && !across(s), when: "query" }))
}

// A part's update, and the + where it joins the stream.
function adding(s, place, part, name, rows, top) {
  const where = (key) => place[`${key}${name}`]
  const when = !name ? "update" : s.parts.indexOf(part) < s.parts.indexOf(s.part) ? "earlier" : "later"
  if (name && part.first) norm(s, part.norm, where("norm"), top, rows, when)
  const up = where("update"), other = part.kind === "cross" ? "attention to the encoder" : "attention to its own words"
  const out = strip(s, part.out, { x: up.x, w: up.w - 3 }, top, rows, when)
  if (name) title(s, part.kind === "cross" ? "across ▸" : "own ▸", up.x + up.w / 2, top - 12, `show/${part.kind}`, `unfold ${other}`,
      { size: 11.5, when })
  else named(s, out, "update", part.out, { kind: "weight" })
  pluses(s, part, where("plus"), rows, top, when)
  if (!part.first) norm(s, part.norm, where("norm"), top, rows, when)
}

function pluses(s, part, place, rows, top, when) {
  rows.at.forEach((at, row) => {
    const y = top + at + rows.size / 2
    if (row === rows.chosen) plus(s, place, y, part.sum, [part.add, "what the word was, and the update"], when)
    else text(s, "+", place.x + place.w / 2, y, { size: clamp(rows.size - 4, 8, 13), soft: true, when })
  })
}

function feedForward(s, place, rows, top) {
  const { mlp } = s, at = (name) => ({ x: place[name].x, w: place[name].w - 3 })
  if (mlp.first) norm(s, mlp.norm, place.normMlp, top, rows, "neurons")
  const hidden = strip(s, mlp.hidden, at("neurons"), top, rows, "neurons"), out = strip(s, mlp.out, at("write"), top, rows, "write")
  named(s, hidden, "neurons", mlp.hidden)
  named(s, out, "out", mlp.out, { kind: "mlp" })
  text(s, "feed-forward", (hidden.x + out.x + out.w) / 2, top - 30, { size: 11.5, bold: true, kind: "mlp", when: "neurons" })
  pluses(s, mlp, place.plusMlp, rows, top, "write")
  if (!mlp.first) norm(s, mlp.norm, place.normMlp, top, rows, "write")
}

// --- what comes out ---------------------------------------------------------------------------------------------------------------

// The likeliest words, or what is left of each word; and one vector for the whole text. Returns how low it reaches.
function outcome(s, river, place, rows, top) {
  const { output } = s.data, box = { x: place.words.x, w: place.words.w }
  let low = top
  if (output.words.length) low = bars(s, output, box, top, clamp((rows.total - APART) / output.words.length, 20, 36))
  else if (output.kept) low = kept(s, output, box, rows, top)
  if (output.words.length) s.lines.push({ kind: "guess", from: [place.out.x + place.out.w - 6, top + rows.at[output.row] + rows.size / 2],
      to: [box.x - 4, leading(s)] })
  output.pooled.forEach((key, i) => { low = pooled(s, key, { x: box.x, w: box.w - 2 }, low + (i ? 8 : 14)) })
  return low
}

function pooled(s, key, { x, w }, y) {
  title(s, s.data.strips[key].title, x, y + 6, key, "what is done with the last vectors", { align: "left", kind: "head", when: "bars",
      size: 11.5 })
  strip(s, key, { x, w }, y + 16, oneRow(0, 16), "bars", { single: true })
  return y + 34
}

function bars(s, output, { x, w }, y, pitch, named = true) {
  const longest = Math.max(...output.words.map(({ word }) => word.length)), number = 46
  const room = clamp(longest * 8.6 + 12, 44, Math.min(116, w * 0.45)), wide = w - room - number
  if (named) title(s, `${output.title}${output.title.endsWith("for") ? ` “${shorten(output.after, 9)}”` : ""}`, x, y - 12,
      `word/${output.words[0].id}`, "opens the page Output",
    { align: "left", kind: "head", bold: true, size: 12.5, when: "bars", page: true })
  text(s, "0–100%", x + w, y - 12, { align: "right", size: 11, soft: true, when: "bars" })
  const asked = output.words.filter(({ hot }) => hot).length, apart = asked && asked < output.words.length ? APART : 0
  output.words.forEach((word, i) => sign(s, "bar", x, y + i * pitch + (i < asked ? 0 : apart), w, pitch, { key: `word/${word.id}`, word,
      room, wide, opens: true, cell: [0, 0],
    thick: clamp(pitch - 14, 9, 20), when: "bars", tip: [word.word.trim() || word.word, ""] }))
  if (apart) s.lines.push({ kind: "rule", from: [x, y + asked * pitch + apart / 2], to: [x + w, y + asked * pitch + apart / 2] })
  return y + output.words.length * pitch + apart
}

// Where the bar of the likeliest word lies.
function leading(s) {
  const most = s.items.filter(({ type, word }) => type === "bar" && word).reduce((a, b) => (b.word.share > a.word.share ? b : a))
  return most.y + most.h / 2
}

// On a tablet the bars stand below the map, in two columns.
function barsInTwo(s, output, y) {
  const half = Math.ceil(output.words.length / 2), wide = (s.width - 40) / 2
  const low = bars(s, { ...output, words: output.words.slice(0, half) }, { x: 2, w: wide }, y, 24)
  if (output.words.length > 1) bars(s, { ...output, words: output.words.slice(half) }, { x: wide + 36, w: wide }, y, 24, false)
  return low
}

function kept(s, output, { x, w }, rows, y) {
  title(s, "still like the word", x, y - 12, output.name, "how far its last vector still points where its first did", { align: "left",
      kind: "head", bold: true, size: 12, when: "bars" })
  text(s, "cosine, 0–1", x + w, y - 12, { align: "right", size: 11, soft: true, when: "bars" })
  output.kept.forEach((share, i) => sign(s, "bar", x, y + rows.at[i], w, rows.size, { key: "kept", opens: true, cell: [i, 0], room: 2,
      wide: w - 50, share,
    before: output.kept_before?.[i] ?? null, thick: clamp(rows.size - 8, 5, 18), when: "bars", cosine: true, row: i, side: output.side,
    tip: ["Cosine of the last vector with the first", s.data.tokens[output.side].labels[i]] }))
  return y + rows.total
}

// --- on a telephone ---------------------------------------------------------------------------------------------------------------

// The same parts below each other: the river, the opened layer, the chosen word's way through it, what comes out.
function narrowRiver(s, river, y) {
  const tokens = s.data.tokens[river.side], rows = places(tokens, rowSize(s, river, tokens.labels.length)), top = y + 42
  const room = Math.min(labelRoom(tokens, labelSize(s, rows)), 106), many = river.layers.length
  const each = clamp(190 / many, 6, 50), strips = river.layers.map((_, n) => [`layer${n}`, 0, each])
  const place = columns([["labels", room, 0], ["input", 0, 44], ["", 4, 0], ...strips,
    ...(river.last ? [["last", 12, 0]] : []), ["out", 0, 54]], s.width - 2, 0.3, 2)
  stream(s, river, place, rows, top, each * place.f)
  if (s.data.rivers.length > 1) text(s, river.side, 0, y + 10, { align: "left", bold: true, size: 12 })
  let low = top + rows.total + 14
  if (isOpen(s, river)) low = narrowLayer(s, river, low)
  if (speaks(s, river)) low = narrowOutcome(s, low + 26)
  return low
}

function narrowLayer(s, river, y) {
  const tokens = s.data.tokens[river.side], seen = lookedAt(s), rows = places(tokens, clamp(210 / tokens.labels.length, 15, 30)),
      top = y + HEAD + 4
  const beside = 74, room = Math.min(labelRoom(tokens, quietSize(s, rows)), Math.max(44, s.width - LEAST_NARROW - beside))
  const place = columns([["labels", room, 0], ["q", 22, 0], ["lines", 20, 0], ["map", s.width - room - beside, 0], ["", 4, 0],
    ["v", 20, 0], ["", 8, 0]], s.width, 1, 1)
  const { part } = s, columnsM = mapColumns(s, place.map.w), at = (name) => ({ x: place[name].x, w: place[name].w - 3 })
  heading(s, river, 12, y + 18)
  labels(s, tokens, rows, place.q.x, top, true)
  const q = named(s, strip(s, part.q, at("q"), top, rows, "query"), "q", part.q)
  const map = grid(s, part.pattern, place.map.x, top, rows, columnsM, { mask: part.mask, silent: s.data.silent && !across(s) })
  strip(s, part.k, { x: map.x, w: 13 }, top - 17, columnsM, "query", { upright: true })
  title(s, "k", map.x - 5, top - 11, part.k, "opens its page", { align: "right", kind: "k", when: "query" })
  columnNames(s, seen, columnsM, map.x, top - 22)
  const v = named(s, strip(s, part.v, at("v"), top, across(s) ? fitted(seen, rows.total) : rows, "value"), "v", part.v)
  const low = top + rows.total, chain = narrowChain(s, rows.chosen, low + 38)
  s.looking = { q, map, v, z: chain.z, side: river.side, part }
  s.frames.push({ x: 0, y: y + 2, w: s.width - 2, h: chain.low - y })
  return chain.low + 6
}

// z, update, +, neurons, out, + of the chosen word, in one line.
function narrowChain(s, row, y) {
  const { part, mlp } = s, size = 20
  const place = columns([["", 8, 0], ["z", 0, 40], ["", 8, 0], ["update", 0, 46], ["plus", 26, 0], ["neurons", 0, 52], ["", 8, 0],
      ["write", 0, 46], ["plusMlp", 26, 0], ["", 6, 0]], s.width - 4, 0.5, 3)
  const one = (key, name, when, words, kind) => named(s, strip(s, key, place[name], y, oneRow(row, size), when), words, key, { kind })
  const z = one(part.z, "z", "travel", "z", "v")
  one(part.out, "update", "update", "update", "weight")
  plus(s, place.plus, y + size / 2, part.sum, [part.add, "what the word was, and the update"], "update")
  one(mlp.hidden, "neurons", "neurons", "neurons", "mlp")
  one(mlp.out, "write", "write", "out", "mlp")
  plus(s, place.plusMlp, y + size / 2, mlp.sum, [mlp.add, "what the word was, and the update"], "write")
  return { z, low: y + size + 12 }
}

function narrowOutcome(s, y) {
  const { output } = s.data, box = { x: 2, w: Math.min(s.width - 8, 620) }
  let low = y
  if (output.words.length) low = s.narrow ? bars(s, output, box, y, 26) : barsInTwo(s, output, y)
  else if (output.kept) {
    const tokens = s.data.tokens[output.side], rows = places(tokens, 18), room = Math.min(labelRoom(tokens, 12), 96)
    labels(s, tokens, rows, room, y, true)
    low = kept(s, output, { x: room, w: Math.min(s.width - room - 4, 620) }, rows, y)
  }
  output.pooled.forEach((key) => { low = pooled(s, key, { x: box.x, w: box.w }, low + 10) })
  return low
}
