// The whole model on one sentence: a question, one canvas with its real numbers, which moves once, and what can be tried. What can be
// clicked is a button over the canvas: a number opens, a title leads to its page, a word or a layer is chosen.
import { isDark, palette, themeOf } from "./colours.js"
import { make, makeButton, set } from "./dom.js"
import { drawSheet, lookingFrom } from "./overview_drawing.js"
import { layout, marksOf } from "./overview_layout.js"
import { END, planned, scriptOf } from "./overview_motion.js"
import { buildPlayer, cancel, finish, pausedAt, start, stopAt, tell } from "./overview_player.js"
import { cellPlace, middleOfChosen, read, tipPlace, unpack, wholeColumn } from "./overview_reading.js"
import { bothScales, saveMenu } from "./saving.js"
import { keepInLink } from "./seen.js"
import { ofOverview } from "./shown_arrays.js"

const memory = new WeakMap()

// --- drawing --------------------------------------------------------------------------------------------------------------------

function styleOf(root, data) {
  const look = getComputedStyle(root), theme = themeOf(look), dark = isDark(theme)
  return { ...theme, dark, soft: dark ? "#b3bccb" : "#566173", alarm: dark ? "#ff8a7a" : "#b3261e", kinds: data.colours,
    signed: palette(look, "diverging"), sequential: palette(look, "sequential") }
}

// Where everything stands, for a width and a theme.
function arrange(parts, data) {
  parts.width = parts.root.clientWidth
  if (!parts.width) return
  const sheet = (parts.sheet = layout(data, parts.width, parts.shownKind)), { canvas, glow, stage } = parts
  sheet.script = scriptOf(marksOf(data))
  parts.style = styleOf(parts.root, data)
  parts.dense = Math.min(Math.max(window.devicePixelRatio || 1, 2), 8000 / Math.max(sheet.width, sheet.height))
  for (const each of [canvas, glow]) {
    each.width = Math.round(sheet.width * parts.dense)
    each.height = Math.round(sheet.height * parts.dense)
    Object.assign(each.style, { width: `${sheet.width}px`, height: `${sheet.height}px` })
  }
  Object.assign(stage.style, { width: `${sheet.width}px`, height: `${sheet.height}px` })
}

function brushOf({ dense, sheet }, canvas) {
  const brush = canvas.getContext("2d")
  brush.setTransform(dense, 0, 0, dense, 0, 0)
  brush.clearRect(0, 0, sheet.width, sheet.height)
  return brush
}

// What comes of an experiment moves to its place from where it was.
function paint(parts, time) {
  const { player, sheet } = parts, from = player.playing !== null && !player.whole ? parts.sheetBefore : null
  if (sheet) drawSheet(brushOf(parts, parts.canvas), parts.style, parts.data, sheet, time, from)
}

// What stands at the end of the motion, as a picture to be saved.
function whole({ data, sheet, style }) {
  return { wide: sheet.width, tall: sheet.height, style, title: (data.headline ?? []).map(([words]) => words).join(""),
    scales: bothScales(style.signed, style.sequential), arrays: () => ofOverview(data), paint: (brush) => drawSheet(brush, style, data, sheet, END) }
}

// --- reading and choosing -------------------------------------------------------------------------------------------------------

// What a part says, beside what it speaks of.
function show(parts, item, x, y) {
  const { tip, data } = parts
  tip.hidden = !item
  lightUp(parts, item, x, y)
  if (!item) return
  const { lines, value, cell } = read(data, item, x, y), opens = item.part || item.opens, map = item.type === "map" && cell
  tip.replaceChildren()
  set(tip, "className", map ? "tip low" : "tip")
  if (value) make("b", "", tip, value)
  for (const line of lines.slice(0, 2)) if (line) make("div", "", tip, line)
  if (!map && lines.length + !!value < 3 && opens) make("small", "", tip, "Click to see how it was made.")
  const home = parts.root.getBoundingClientRect(), at = parts.stage.getBoundingClientRect()
  const [ax, ay, aw, ah] = map ? wholeColumn(item, cell) : item.part && cell ? cellPlace(item, ...cell) : [item.x, item.y, item.w, item.h]
  const seen = { left: Math.max(0, -home.left), right: Math.min(home.width, innerWidth - home.left), top: -home.top,
      bottom: innerHeight - home.top }
  const about = { x: ax + at.left - home.left, y: ay + at.top - home.top, w: aw, h: ah }
  const [left, top] = tipPlace({ wide: tip.offsetWidth, tall: tip.offsetHeight }, about, seen, map ? 12 : 10)
  Object.assign(tip.style, { left: `${left}px`, top: `${top}px` })
}

// Where the word under the pointer looks, and its numbers everywhere.
function lightUp(parts, item, x, y) {
  const { glow, sheet, data, style } = parts, brush = brushOf(parts, glow)
  const [at, column] = item && x !== undefined && !item.single && item.part ? read(data, item, x, y).cell ?? [] : []
  const row = item?.row ?? at
  if (row == null || item.upright) return
  const side = item.side ?? item.part.tokens, still = parts.player.time >= END, map = item.type === "map"
  if (side === data.open.side && still && (map || row !== data.tokens[side].chosen)) lookingFrom(brush, style, data, sheet, row, map ? column : null)
  Object.assign(brush, { strokeStyle: style.accent, lineWidth: 1.6, globalAlpha: 1 })
  const rows = sheet.items.filter((each) => each.type === "strip" && !each.single && !each.upright && each.rows.only === undefined)
  for (const each of rows) if (each.part.tokens === side)
    brush.strokeRect(each.x - 1, each.y + each.rows.at[row] + each.inset - 1, each.w + 2, each.rows.size - 2 * each.inset + 2)
}

// A button over each item that leads somewhere.
function buttons(parts) {
  const { over, sheet } = parts, focused = parts.stage.getRootNode().activeElement?.dataset?.act
  over.replaceChildren()
  for (const item of sheet.items) if (item.act || item.part || item.opens) itemButton(parts, item)
  if (focused) [...over.children].find((each) => each.dataset.act === focused)?.focus({ preventScroll: true })
}

function itemButton(parts, item) {
  const inside = ({ clientX, clientY }) => {
    const home = parts.stage.getBoundingClientRect()
    return [clientX - home.left, clientY - home.top]
  }
  const button = makeButton(item.type, parts.over), name = item.act ?? (item.cosine ? `${item.key}/${item.row}` : item.key)
  for (const [side, size] of [["left", item.x], ["top", item.y], ["width", item.w], ["height", item.h]]) button.style[side] = `${size}px`
  button.dataset.act = name
  if (item.pressed !== undefined) button.setAttribute("aria-pressed", item.pressed)
  if (item.quiet) button.tabIndex = -1
  button.setAttribute("aria-label", read(parts.data, item).lines.concat(read(parts.data, item).value ?? []).filter(Boolean).join(", "))
  const pointed = (event) => event.clientX || event.clientY ? inside(event) : item.part && middleOfChosen(item)   // else from the keyboard
  button.onclick = (event) => (item.act ? choose(parts, item) : open(parts, item, pointed(event)))
  button.onpointermove = (event) => show(parts, item, ...inside(event))
  button.onpointerleave = button.onblur = () => show(parts, null)
  button.onfocus = () => button.matches(":focus-visible") && show(parts, item)
}

// A number is framed here at once; the page opens it.
function open(parts, item, at) {
  const { data } = parts, cell = item.opens ? item.cell : read(data, item, ...at).cell
  data.opened = [item.key, ...cell]
  paint(parts, parts.player.time)
  parts.send("cell", data.opened)
}

// A word or a layer that is chosen is chosen here at once; what comes of it follows.
function choose(parts, { act, type, side, row }) {
  const { data } = parts, [kind, ofSide, layer] = act.split("/")
  if (kind === "show") {
    parts.shownKind = ofSide
    return redraw(parts)
  }
  if (type === "token" && side === data.open.side && row !== data.tokens[side].chosen) {
    data.tokens[side].chosen = row
    parts.over.querySelectorAll(`.token[data-act^="token/${side}/"]`).forEach((each, i) => each.setAttribute("aria-pressed", String(i === row)))
    answer(parts)
  } else if (kind === "layer") {
    data.rivers.find((river) => river.side === ofSide).chosen = Number(layer)
    answer(parts)
  }
  parts.send("act", act)
}

// What is tried is pressed at once; a head that is silenced falls silent.
function attempt(parts, { act, on }, button) {
  button.setAttribute("aria-pressed", String(!on))
  if (act === "try/head") {
    parts.data.silent = !on
    answer(parts)
  }
  parts.send("act", act)
}

// The picture as it is now known; its buttons follow with the page.
function answer(parts) {
  arrange(parts, parts.data)
  if (parts.sheet) finish(parts.player)
}

function redraw(parts) {
  const { data } = parts
  arrange(parts, data)
  if (!parts.sheet) return
  tell(parts.player, parts.sheet.script, data.captions ?? {})
  finish(parts.player)
  buttons(parts)
}

// --- the elements ---------------------------------------------------------------------------------------------------------------

function build(root) {
  root.replaceChildren()
  const parts = { root, shownKind: "cross" }
  parts.question = make("h1", "question", root)
  parts.stage = make("div", "stage figure", make("div", "scroll", root))
  parts.canvas = make("canvas", "", parts.stage)
  parts.glow = make("canvas", "glow", parts.stage)
  for (const canvas of [parts.canvas, parts.glow]) canvas.setAttribute("aria-hidden", "true")
  parts.over = make("div", "over", parts.stage)
  parts.over.setAttribute("role", "group")
  parts.player = buildPlayer(root, (time) => paint(parts, time))
  parts.tries = make("div", "tries", root)
  parts.note = make("footer", "", root)
  parts.tip = make("div", "tip", root)
  parts.tip.hidden = true
  const ended = () => { if (parts.player.playing !== null) finish(parts.player) }
  root.addEventListener("pointerdown", (event) => event.target.closest?.(".player") || ended(), true)
  root.ownerDocument.addEventListener("keydown", (parts.escaped = (event) => event.key === "Escape" && ended()))
  parts.watch = new ResizeObserver(() => parts.width !== root.clientWidth && parts.data && redraw(parts))
  parts.watch.observe(root)
  return parts
}

// The question, what can be tried, and what the colours mean.
function say(parts) {
  const { data, question, tries, note, style } = parts
  question.replaceChildren()
  for (const [words, kind] of data.headline ?? []) make(kind ? "em" : "span", kind, question, words)
  tries.replaceChildren()
  const offered = data.experiments ?? [], first = offered.find(({ on }) => on) ?? offered[0]     // what leads back, or the first
  for (const each of offered) {
    const button = makeButton(each === first ? "try main" : "try", tries, each.words, () => attempt(parts, each, button))
    button.dataset.act = each.act
    button.setAttribute("aria-pressed", each.on)
  }
  note.replaceChildren()
  make("span", "", note, data.note ?? "")
  legend(note, "below 0", "above", style.signed.stops)
  legend(note, "0%", "100%", style.sequential.stops)
  saveMenu(note, () => whole(parts))
}

function legend(note, left, right, stops) {
  const box = make("span", "legend", note, left)
  make("i", "", box).style.background = `linear-gradient(90deg, ${stops})`
  make("span", "", box, right)
}

// Which attention is drawn, and the phase at which the motion was stopped, are in no address.
function keepBoth(parts) {
  const { root, player } = parts
  keepInLink(root, "shows", () => (parts.shownKind === "cross" ? null : parts.shownKind), (kind) => {
    if (kind !== "attention") return
    parts.shownKind = kind
    redraw(parts)
  })
  keepInLink(root, "phase", () => pausedAt(player), (text) => {
    const phase = Number(text), ends = player.script.ends
    if (Number.isInteger(phase) && phase >= 0 && phase < ends.length) stopAt(player, ends[phase], phase)
  })
}

// What is drawn, as three texts: what was read, by which run, and what is looked at.
function keyOf({ run = [], open: { layer, head, side }, tokens }) {
  const [model, sentence, , target] = run, words = (...parts) => JSON.stringify(parts)
  return { text: words(model, sentence, target), run: words(run), place: words(layer, head, side, tokens) }
}

export default function ({ data: { parts: [data] }, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root), before = parts.data?.key, shown = structuredClone(data)
  unpack(shown)
  shown.key = keyOf(shown)
  parts.sheetBefore = before?.run === shown.key.run ? null : parts.sheet
  Object.assign(parts, { data: shown, send: setTriggerValue })
  parts.over.setAttribute("aria-label", data.alt)
  arrange(parts, shown)
  if (!parts.sheet) return () => {}
  tell(parts.player, parts.sheet.script, data.captions ?? {})
  say(parts)
  show(parts, null)
  buttons(parts)
  start(parts.player, planned(parts.sheet.script, before, shown.key))
  keepBoth(parts)
  return () => {
    cancel(parts.player)
    root.ownerDocument.removeEventListener("keydown", parts.escaped)
    parts.watch.disconnect()
    memory.delete(root)
  }
}
