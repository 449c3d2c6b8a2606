// Plays Streamlit's part for the components: it gives them their data and hears their clicks, in a page that stands alone.
import explanationPanel from "../components/explanation.js"
import heatmap from "../components/heatmap.js"
import lines from "../components/lines.js"
import overview from "../components/overview.js"
import place from "../components/place.js"
import sendSheets from "../components/styles.js"
import table from "../components/table.js"
import { clamp } from "../components/numbers.js"
import { create, make, makeButton } from "../components/dom.js"
import { facts } from "./file.js"
import { partsOf } from "./figures.js"
import { inFrame, tell } from "./frame.js"
import { explanation } from "./opening.js"
import { parsed, spelled } from "./places.js"
import { forPrint } from "./printing.js"
import { drawnCell } from "./river.js"

const DRAW = { heatmap, lines, overview, place, table, explanation: explanationPanel }
const CLASS = { heatmap: "root figure", explanation: "root number" }
const PAGES = [[/\.embed\./, "layers"], [/^heads$|\.pattern$|\.mask$/, "heads"], [/\.(q|k|v|z)$/, "attention"], [/\.mlp\./, "feed_forward"], [/\.(sum|out)$/, "add_and_norm"]]

const sheets = new Map(Object.entries(facts.sheets).map(([name, text]) => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(text)
  return [name, sheet]
}))
const onPaper = new CSSStyleSheet()       // a canvas is printed as the record of its strokes; that of the glow would wipe out what lies below it
onPaper.replaceSync(`:host-context(.printed) :is(.tools, .saving, .saves, .player, .glow) { display: none; }
  :host-context(.printed) .scroll { scrollbar-width: none; mask-image: none; }`)
const state = { ...facts.look, cell: facts.cell || null, trail: facts.cell ? [facts.cell] : [], all: false }
const page = document.documentElement, home = document.getElementById("report"), mounted = new Map()
let panel, cards = [], byKeys = false, cameFrom = null

// --- components ---------------------------------------------------------------------------------------------------------------------

// Draws a component into an element, in a shadow root of its own; once it is there, with its new data.
function show(parent, { key, draws, data, hears, figure = "", caption = "" }) {
  if (!mounted.has(key)) {
    const host = make("div", "component", parent), shadow = host.attachShadow({ mode: "open" })
    Object.assign(host.dataset, { testid: "stBidiComponentIsolated", figure, caption })
    shadow.adoptedStyleSheets = [sheets.get(`glass_${draws}`), onPaper]
    const root = create("div", CLASS[draws] ?? "root")
    if (draws === "place") Object.assign(root, { role: "group", ariaLabel: "What is looked at" })
    shadow.append(root)
    mounted.set(key, { host, shadow, draws })
  }
  const there = Object.assign(mounted.get(key), { data, hears })
  there.end = DRAW[draws]({ data, parentElement: there.shadow, name: `glass_${draws}`, setTriggerValue: (name, value) => hears[name]?.(value) })
}

// The same component once more, in an element of another size.
function redraw(host, style) {
  const there = [...mounted.values()].find((each) => each.host === host), root = create("div", CLASS[there.draws] ?? "root")
  there.end?.()
  Object.assign(host.style, style)
  there.shadow.replaceChildren(root)
  there.end = DRAW[there.draws]({ data: there.data, parentElement: there.shadow, name: `glass_${there.draws}`, setTriggerValue: (name, value) => there.hears[name]?.(value) })
}

function drop(key) {
  mounted.get(key)?.end?.()
  mounted.get(key)?.host.remove()
  mounted.delete(key)
}

// --- what is looked at --------------------------------------------------------------------------------------------------------------

const sideOf = (side) => facts.sides[side]

function look(changes, cell = null) {
  if (changes.side && changes.side !== state.side) state.token = sideOf(changes.side).tokens.length - 1
  Object.assign(state, changes)
  state.layer = clamp(state.layer, 0, sideOf(state.side).layers - 1)
  state.token = clamp(state.token, 0, sideOf(state.side).tokens.length - 1)
  if (cell) return open(...cell)
  close()
  draw()
}

function open(name, index) {
  walk(spelled(name, index), [])
}

// What has the focus, in whatever shadow root it stands.
function focused() {
  let element = document.activeElement
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
  return element
}

function walk(cell, before) {
  if (!state.cell) cameFrom = focused()
  Object.assign(state, { cell, trail: [...before, cell], all: false })
  draw()
  if (byKeys) panel.querySelector(".component")?.shadowRoot.querySelector("h3")?.focus({ preventScroll: true })
}

function close() {
  Object.assign(state, { cell: null, trail: [], all: false })
}

// A click in the panel leads on to an operand, or back to a number that was passed.
function follow(cell) {
  const at = state.trail.indexOf(cell)
  walk(cell, at < 0 ? state.trail : state.trail.slice(0, at))
}

// A click on the picture of the whole model: a token or a layer is chosen, anything else leads to its stage.
function act(name) {
  const [kind, side, place] = name.split("/")
  if (kind === "token") return look({ side, token: Number(place) })
  if (kind === "layer") return look({ side, layer: Number(place) })
  const stage = kind === "word" ? "output" : PAGES.find(([fits]) => fits.test(name))?.[1] ?? "output"
  document.getElementById(stage)?.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" })
}

const ask = { open, look, act, drawn: (picture, cell) => open(...drawnCell(picture, cell)) }

// --- the page -----------------------------------------------------------------------------------------------------------------------

function drawLine(line) {
  const sizes = { layer: sideOf(state.side).layers, head: facts.heads }, sides = Object.keys(facts.sides)
  const steppers = Object.entries(sizes).filter(([, count]) => count > 1)
    .map(([name, count]) => ({ name, title: name[0].toUpperCase() + name.slice(1), value: state[name], count }))
  const choices = facts.crosses ? [{ name: "side", title: "Look at", value: state.side,
    options: sides.map((side) => ({ value: side, text: side[0].toUpperCase() + side.slice(1), hint: "" })) }] : []
  const frame = { ...facts.frame, layer: state.layer, head: state.head, token: sideOf(state.side).names[state.token] }
  const tokens = sides.map((side) => ({ ...sideOf(side).row, chosen: side === state.side ? state.token : null }))
  show(line, { key: "place", draws: "place", data: { frame: [frame], tokens, steppers, choices },
    hears: { token: ([side, token]) => look({ side, token }), step: ([name, value]) => look({ [name]: value }), choice: ([name, value]) => look({ [name]: value }) } })
}

function drawCard({ stage, figures, keys }) {
  const seen = { ...state, opened: state.cell && parsed(state.cell) }
  const parts = stage.figures.flatMap((figure, i) => partsOf(figure, seen, ask).map((part) => ({ ...part, figure: figure.draws, key: `${stage.name} ${i} ${part.key}` })))
  for (const key of keys) if (!parts.some((part) => part.key === key && part.data)) drop(key)
  figures.querySelectorAll(":scope > .lacks").forEach((each) => each.remove())
  keys.splice(0, keys.length, ...parts.filter((part) => part.data).map((part) => part.key))
  for (const part of parts) {
    if (part.data) show(figures, part)
    else make("p", "lacks", figures, part.lacks)
    const element = part.data ? mounted.get(part.key).host : figures.lastElementChild
    if (element !== figures.lastElementChild) figures.append(element)
  }
}

function drawPanel() {
  panel.hidden = !state.cell
  if (!state.cell) return drop("number")
  const data = explanation(state.cell, state.trail, state.all), all = () => { state.all = !state.all; drawPanel() }
  show(panel, { key: "number", draws: "explanation", data, hears: { open: follow, all } })
}

function draw() {
  drawLine(document.getElementById("line"))
  cards.forEach(drawCard)
  drawPanel()
  tell(state)
}

// Everything anew, where the colours or the width have changed.
export function remount(before = () => {}) {
  for (const key of [...mounted.keys()]) drop(key)
  before()
  draw()
  if ([...mounted.values()].some(({ draws }) => draws === "overview")) draw()      // its motion has been seen: a second drawing has none
}

function head() {
  const top = make("header", "top", home), said = [facts.title, facts.change, facts.mask].filter(Boolean)
  make("p", "kind", top, "Glassformer · a report")
  make("h1", "", top, facts.sentence)
  if (facts.second) make("p", "second", top, facts.second)
  make("p", "run", top, `${said.join(" · ")}. Every number is the run’s own; click one to see how it was made.`)
  const tools = make("div", "tools", top)
  makeButton("theme", tools, "", () => remount(() => dress(page.dataset.theme === "light" ? "dark" : "light")))
  makeButton("print", tools, "Print", () => print())
}

// What a frame says in place of a head: how the run differs from that of the trained model.
function said() {
  const words = [facts.change, facts.mask].filter(Boolean).join(" · ")
  if (words) make("p", "run", home, `${facts.title}: ${words}.`)
}

function dress(theme) {
  page.dataset.theme = theme
  const button = home.querySelector(".theme")
  if (button) button.textContent = theme === "light" ? "Dark" : "Light"
}

function card(stage) {
  const section = make("section", "card", home)
  section.id = stage.name
  make("h2", "", section, stage.title)
  make("p", "about", section, stage.about)
  return { stage, section, figures: make("div", stage.pairs ? "figures pairs" : "figures", section), keys: [] }
}

function foot() {
  const end = make("footer", "holds", home), list = create("ul")
  make("h2", "", end, "What this file holds")
  make("p", "", end, `The numbers of this run that it shows, bit for bit. It needs no server and asks for nothing; it takes at most ${facts.limit / 1e6} MB.`)
  if (!facts.left_out.length) return make("p", "", end, "Nothing that was asked for is left out.")
  make("p", "", end, "There was no room for:")
  for (const each of facts.left_out) make("li", "", list, each)
  end.append(list)
}

function build() {
  home.replaceChildren()
  page.classList.toggle("framed", Boolean(facts.framed))
  page.classList.toggle("alone", !facts.stages.length)      // a number without a figure
  if (facts.framed) said()
  else head()
  make("nav", "line st-key-line", home).id = "line"
  cards = facts.stages.filter(({ figures }) => figures.length).map(card)
  panel = make("aside", "panel st-key-number-over", home)
  panel.ariaLabel = "How was this number made?"
  makeButton("close", panel, "Close", shut)
  if (!facts.framed) foot()
}

function shut() {
  close()
  draw()
  cameFrom?.focus?.({ preventScroll: true })
}

sendSheets({ data: facts.sheets })
build()
dress(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")
draw()
document.addEventListener("keydown", (event) => {
  byKeys = true
  if (event.key === "Escape" && state.cell && !event.defaultPrevented) shut()
}, true)
document.addEventListener("pointerdown", () => { byKeys = false }, true)
forPrint({ home, page, remount, redraw, dress })
if (facts.framed) inFrame({ home, state, look, dress: (theme) => { if (page.dataset.theme !== theme) remount(() => dress(theme)) } })
