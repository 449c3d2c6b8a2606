// Attention as one pipeline: five thumbnails, the chosen step large below. A click is answered here, from the numbers of the layer; the page follows.
import { hatchOf, palette, themeOf } from "./colours.js"
import { create, createButton, make, makeButton, placeTip, set } from "./dom.js"
import { withNumbers } from "./layer_numbers.js"
import { listen } from "./looked_at.js"
import { rounded } from "./numbers.js"
import { disc, plate } from "./round_shapes.js"
import { bothScales, saveMenu } from "./saving.js"
import { ofLayer } from "./shown_arrays.js"
import { best, between, look, markAt, neighbour, picture, STEPS, thumbnail } from "./pipeline_geometry.js"

const WAIT = 3000           // ms that a click stands before what the page says stands again
const MOVES = 750           // ms that a motion takes
const STAYS = 3400          // ms that a step stays while all of them are played
const TINY = [120, 38]      // a thumbnail
const figures = new WeakMap()
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches

// A brush on a canvas of that size, in the pixels of the page.
function brushOf(canvas, wide, tall) {
  const dense = Math.min(devicePixelRatio || 1, 3)
  if (canvas.width !== Math.round(wide * dense) || canvas.height !== Math.round(tall * dense)) {
    canvas.width = Math.round(wide * dense)
    canvas.height = Math.round(tall * dense)
    canvas.style.width = `${wide}px`
    canvas.style.height = `${tall}px`
  }
  const brush = canvas.getContext("2d")
  brush.setTransform(dense, 0, 0, dense, 0, 0)
  brush.clearRect(0, 0, wide, tall)
  return brush
}

// The colours of the theme, as marks name them.
function inks(root) {
  const style = getComputedStyle(root), theme = themeOf(style), signed = palette(style, "diverging").pixels, weight = palette(style, "sequential").pixels
  const css = (pixel) => `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`
  const soft = style.getPropertyValue("--st-secondary-background-color").trim()
  return { key: JSON.stringify([theme, soft]), line: theme.line, plain: `color-mix(in srgb, ${theme.accent} 9%, transparent)`, track: soft, hidden: (brush) => hatchOf(brush, theme),
    text: theme.text, accent: theme.accent, weight: (share) => css(weight[Math.round(255 * share)]),
    signed: (share) => css(signed[Math.round(127.5 + 127.5 * Math.max(-1, Math.min(1, share || 0)))]) }
}

// tell: what a mark says of its number, for a picture that is saved.
function paint(brush, marks, ink, held, tell = null) {
  for (const mark of marks) {
    if (mark.alpha <= 0) continue
    brush.globalAlpha = mark.alpha
    brush.about = tell && mark.cell ? tell(mark) : null
    const tone = mark.tone === "hidden" ? ink.hidden(brush) : ink[mark.tone]
    brush.fillStyle = typeof tone === "function" ? tone(mark.share) : tone
    const { x, y, w, h } = mark
    brush.beginPath()
    if (mark.shape === "dot") disc(brush, x + w / 2, y + h / 2, w / 2)
    else if (mark.shape === "cell" || mark.shape === "line") brush.rect(x, y, w - (w > 6 ? 1 : 0), h)
    else plate(brush, x, y, w, h, mark.shape === "band" ? 6 : 3)
    brush.fill()
  }
  brush.globalAlpha = 1
  brush.about = null
  if (!held) return
  brush.strokeStyle = ink.text
  brush.lineWidth = 1.5
  brush.strokeRect(held.x - 1, held.y - 1, held.w + 2, held.h + 2)
}

// --- the figure: made once, then changed ---

function build(root) {
  const it = { root, marks: [], start: 0, before: null, clicked: new Map(), playing: 0, held: null }
  root.replaceChildren()
  it.steps = make("div", "steps", root)
  it.steps.setAttribute("role", "group")
  it.steps.setAttribute("aria-label", "The five steps of attention")
  it.buttons = STEPS.map((name, i) => {
    const button = makeButton("step", it.steps, undefined, () => go(it, i))
    make("span", "name", button, `${i + 1} ${name}`)
    make("canvas", "tiny", button).setAttribute("aria-hidden", "true")
    button.onkeydown = (event) => walk(it, event, i)
    return button
  })
  it.large = make("div", "large", root)
  it.stage = make("div", "stage", make("div", "scroll", it.large))
  it.canvas = make("canvas", "cells", it.stage)
  it.canvas.tabIndex = 0
  it.canvas.setAttribute("role", "application")
  it.texts = make("div", "texts", it.stage)
  it.tip = make("div", "hint", it.stage)
  it.tip.setAttribute("aria-live", "polite")
  it.tip.hidden = true
  it.foot = make("div", "foot", root)
  saveMenu(it.foot, () => whole(it))
  it.play = makeButton("play", it.foot, "▶ Play", () => play(it, !it.playing))
  it.next = makeButton("next", it.foot, "Next →", () => go(it, it.state.step + 1))
  listenTo(it)
  return it
}

function listenTo(it) {
  it.canvas.onpointermove = (event) => point(it, event)
  it.canvas.onpointerleave = () => showTip(it, null)
  it.canvas.onblur = () => showTip(it, it.held = null)
  it.canvas.onclick = (event) => { end(it); open(it, under(it, event)) }
  it.canvas.onkeydown = (event) => {
    if (event.key === "Enter" && it.held) open(it, it.held)
    if (!event.key.startsWith("Arrow")) return
    event.preventDefault()
    showTip(it, it.held = neighbour(it.marks, it.held, event.key))
    draw(it)
  }
  new ResizeObserver(() => { if (it.seen && it.width !== roomOf(it)) update(it, false) }).observe(it.large)
}

const roomOf = (it) => Math.max(260, Math.floor(it.root.clientWidth))

// What is shown: the page's state, and the reader's last clicks before it.
function shownState(it) {
  const state = { ...it.data }
  for (const [name, last] of it.clicked) {
    if (last.value === it.data[name] || performance.now() > last.until) it.clicked.delete(name)
    else state[name] = last.value
  }
  return state
}

// A choice of the reader's, shown at once; send: whether it is for this figure to tell the page.
function choose(it, name, value, send = true) {
  if (it.state?.[name] === value) return
  it.clicked.set(name, { value, until: performance.now() + WAIT })
  if (send) it.send(name, name === "token" ? [value] : value)
  update(it, true)
}

function go(it, step, by = "reader") {
  if (by === "reader") play(it, false)
  if (step >= 0 && step < STEPS.length) choose(it, "step", step)
}

function walk(it, event, i) {
  const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: STEPS.length - 1 }[event.key]
  if (to === undefined || !it.buttons[to]) return
  event.preventDefault()
  it.buttons[to].focus()
  go(it, to)
}

function play(it, on) {
  clearTimeout(it.playing)
  it.playing = 0
  if (on) {
    const on_ = () => {
      const next = it.state.step + 1
      it.playing = next < STEPS.length - 1 ? setTimeout(on_, STAYS) : 0
      go(it, next, "play")
      mark(it)
    }
    if (it.state.step === STEPS.length - 1) go(it, 0, "play")
    it.playing = setTimeout(on_, STAYS)
  }
  mark(it)
}
const mark = (it) => {
  set(it.play, "textContent", it.playing ? "■ Stop" : "▶ Play")
  set(it.next, "disabled", it.state.step === STEPS.length - 1)
}

// --- drawing ---

function update(it, moving) {
  const state = shownState(it), what = JSON.stringify([state, it.ink.key, roomOf(it), Boolean(it.layer.numbers)])
  if (it.seen && it.what === what) return           // the page only says what is shown already
  it.what = what
  it.state = state
  const seen = look(it.layer, it.layer.numbers, state.head, state.token)
  if (!seen) return           // not sent: the page will
  it.seen = seen
  it.width = roomOf(it)
  it.buttons.forEach((button, i) => {
    set(button, "ariaPressed", String(i === state.step))
    set(button, "tabIndex", i === state.step ? 0 : -1)
    const canvas = button.querySelector("canvas")
    paint(brushOf(canvas, ...TINY), thumbnail(i, seen, ...TINY), it.ink)
  })
  mark(it)
  if (!it.data.large && it.drawn) return            // the page hides it, as it shows something else in its place (app.css)
  const { marks, texts, height } = picture(state.step, seen, state.words, state.names, it.width)
  it.before = moving && it.marks.length && !calm() ? between(it.before ?? it.marks, it.marks, progress(it)) : null
  it.marks = marks
  it.height = height
  it.start = performance.now()
  it.held = null
  it.canvas.setAttribute("aria-label", `${STEPS[state.step]} of ${state.looks[state.token]}: arrow keys move, Enter opens a number`)
  write(it, it.drawn = texts)
  draw(it)
}

const progress = (it) => (it.before ? Math.min(1, (performance.now() - it.start) / MOVES) : 1)
const end = (it) => { it.before = null; draw(it) }

function draw(it) {
  const t = progress(it), marks = it.before ? between(it.before, it.marks, t) : it.marks
  it.stage.style.height = `${it.height}px`
  it.texts.classList.toggle("moving", t < 0.6)
  paint(brushOf(it.canvas, it.width, it.height), marks, it.ink, it.held ?? opened(it))
  it.root.dataset.moving = String(t < 1)
  if (t >= 1) it.before = null
  else requestAnimationFrame(() => draw(it))
}

const SIZES = { word: 14.5, title: 12.5, quiet: 12 }, ANCHORS = { end: "right", middle: "center" }

// The step as it stands at the end of its motion, as a picture to be saved.
function whole(it) {
  const { state } = it, style = getComputedStyle(it.root), theme = themeOf(style)
  return { wide: it.width, tall: it.height, style: theme, arrays: () => ofLayer(it.layer, state), title: `Attention, step ${state.step + 1}: ${STEPS[state.step]} · ${state.looks[state.token]}`,
    scales: bothScales(palette(style, "diverging"), palette(style, "sequential")).slice(0, state.step < 3 ? 1 : 2),     // no weights before softmax
    paint(brush) {
      paint(brush, it.marks, it.ink, null, (mark) => tipText(it, mark).replaceAll("\n", ", "))
      for (const each of it.drawn) textOn(brush, theme, each)
    } }
}

function textOn(brush, { text, font }, { words, x, y, anchor, look, room }) {
  const kinds = look.split(" "), size = kinds.map((kind) => SIZES[kind]).find(Boolean) ?? 13
  Object.assign(brush, { font: `${kinds.includes("main") ? 650 : 400} ${size}px ${font}`, fillStyle: text, textAlign: ANCHORS[anchor] ?? "left", textBaseline: "middle" })
  let shown = words
  while (room && shown.length > 1 && brush.measureText(shown).width > room) shown = `${shown.slice(0, -2)}…`
  brush.fillText(shown, x, y)
}

// The mark of the number that the page has opened.
const opened = (it) => it.data.opened && it.marks.find((each) => each.cell && each.cell.join() === it.data.opened.join())

function write(it, texts) {
  const held = it.texts.contains(it.root.getRootNode().activeElement) ? it.root.getRootNode().activeElement.dataset.id : null
  it.texts.replaceChildren(...texts.map((each) => {
    const looks = each.row !== undefined && !it.data.across
    const act = looks ? () => choose(it, "token", each.row) : each.cell && (() => open(it, each))
    const element = act ? createButton(each.look, each.words, act) : create("span", each.look, each.words)
    if (looks) element.title = `Look from ${each.words}`
    else if (each.row !== undefined) element.title = each.words
    element.dataset.id = each.id
    if (each.cell) element.dataset.cell = each.cell.join()
    element.style.left = `${each.x}px`
    element.style.top = `${each.y}px`
    if (each.room) element.style.maxWidth = `${each.room}px`
    element.classList.add(each.anchor)
    return element
  }))
  if (held) it.texts.querySelector(`[data-id="${CSS.escape(held)}"]`)?.focus({ preventScroll: true })
}

// --- what a reader points at ---

const under = (it, event) => {
  const box = it.canvas.getBoundingClientRect()
  return markAt(it.marks, event.clientX - box.left, event.clientY - box.top)
}
function point(it, event) {
  const mark = under(it, event)
  it.canvas.style.cursor = mark ? "pointer" : "default"
  showTip(it, mark)
}

// The number is framed here at once; the page opens it.
function open(it, mark) {
  if (!mark?.cell) return
  it.data.opened = mark.cell
  draw(it)
  it.send("cell", [it.state.head, it.state.token, ...mark.cell])
}

const ROLES = { x: "x", q: "query", k: "key", v: "value", z: "z", terms: "query × key", scores: "score", pattern: "share", exp: "e to the power" }
function tipText(it, { cell: [name, ...place], value }) {
  const across = ["x", "q", "z"].includes(name), whose = place.length && !across ? it.state.words[place[0]] : it.state.looks[it.state.token]
  const dimension = across ? place[0] : place[1]
  return [`${ROLES[name]} · ${whose}`, dimension === undefined ? "" : `dimension ${dimension}`, rounded(value, 4)].filter(Boolean).join("\n")
}
function showTip(it, mark) {
  it.tip.hidden = !mark || it.before !== null
  if (it.tip.hidden) return
  it.tip.textContent = tipText(it, mark)
  placeTip(it.tip, it.width, { x: mark.x + mark.w / 2, top: mark.y, bottom: mark.y + mark.h }, 6)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  const it = figures.get(root) ?? build(root), first = !figures.has(root)
  figures.set(root, it)
  Object.assign(it, { data: { ...data }, ink: inks(root), send: setTriggerValue })
  withNumbers(data.numbers, root, (layer) => {
    const before = it.state
    it.layer = layer
    const next = shownState(it), same = before && ["step", "token", "head"].every((name) => before[name] === next[name])
    update(it, !first && !same)
  })
  it.silence ??= listen(({ name, value }) => {
    if (name === "head" || name === "token" && value.side === it.data.side) choose(it, name, name === "token" ? value.token : value, false)
  })
  return () => { it.silence(); clearTimeout(it.playing) }
}
