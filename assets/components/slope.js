// The words whose probability differs most between two runs: A at the left, B at the right, a line for each word. A click on a share
// opens it.
import { make, makeButton, SVG } from "./dom.js"
import { decode, percent, rounded } from "./numbers.js"
import { saveElements } from "./saving.js"
import { ofSlope } from "./shown_arrays.js"
import { HEAD, layOut } from "./slope_geometry.js"

const TALL = 262, LETTER = 7.6, NARROW = 520      // pixels
const memory = new WeakMap()

const line = (svg, name, [x1, y1, x2, y2]) => {
  const element = document.createElementNS(SVG, "line")
  Object.entries({ class: name, x1, y1, x2, y2 }).forEach(([key, value]) => element.setAttribute(key, value))
  svg.append(element)
  return element
}

function dot(svg, name, x, y) {
  const element = document.createElementNS(SVG, "circle")
  Object.entries({ class: name, cx: x, cy: y, r: 4 }).forEach(([key, value]) => element.setAttribute(key, value))
  svg.append(element)
}

// What stands beside the end of a line: the word, its share, and at the right how far it moved.
function share(parts, data, run, n, values, send) {
  const { g, stage, wide } = parts, text = data.texts[run][n]
  const box = make("div", `end ${"ab"[run]}${n < data.strong ? " strong" : ""}`, stage)
  box.style.top = `${g.words[run][n]}px`
  if (run) box.style.left = `${g.right + parts.elbow + 4}px`
  else box.style.right = `${wide - g.left + parts.elbow + 4}px`
  const word = make("span", "word", box, data.words[n])
  word.title = data.words[n]
  if (run) word.style.width = `${parts.word}px`
  if (text === "–") make("span", "share", box, text)
  else {
    const button = makeButton("share", box, text, () => send("cell", [run, n]))
    Object.assign(button.dataset, { run: String(run), place: `${run},${n}` })
    button.title = rounded(values[run * data.words.length + n])
    button.setAttribute("aria-label", `${data.words[n]} in ${"AB"[run]}: ${text}`)
  }
  if (run) make("span", "points", box, data.points[n])
}

function draw(parts, data, values, send) {
  const { root, stage } = parts, wide = parts.wide = root.clientWidth, count = data.words.length
  if (!wide) return
  const held = root.getRootNode().activeElement?.dataset?.place
  const longest = Math.min(12, data.words.reduce((most, word) => Math.max(most, word.length), 0)), narrow = wide < NARROW
  const word = parts.word = longest * LETTER, elbow = parts.elbow = narrow ? 9 : 22       // from a line's end to its word
  root.classList.toggle("narrow", narrow)
  const shares = [0, 1].map((run) => [...values.slice(run * count, (run + 1) * count)])
  const g = parts.g = layOut(wide, TALL, shares, word + elbow + (narrow ? 50 : 62), word + elbow + (narrow ? 98 : 124))
  stage.replaceChildren()
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `0 0 ${wide} ${TALL}`)
  svg.setAttribute("aria-hidden", "true")
  stage.append(svg)
  for (const x of [g.left, g.right]) line(svg, "axis", [x, HEAD, x, TALL - 14])
  for (let n = count - 1; n >= 0; n--) drawWord(svg, data, g, shares, n, elbow)
  data.ends.forEach((title, run) => {
    const head = make("div", `head ${"ab"[run]}`, stage, title)
    head.style.width = `${run ? wide - g.right + 8 : g.left + 8}px`
  })
  make("div", "head change", stage, "points")
  const scale = make("div", "scale", stage, `0 to ${percent(g.top, 0)}`)
  Object.assign(scale.style, { left: `${g.left}px`, width: `${g.right - g.left}px` })
  for (const run of [0, 1]) data.words.forEach((_, n) => share(parts, data, run, n, values, send))
  if (held) root.querySelector(`[data-place="${held}"]`)?.focus({ preventScroll: true })
}

function drawWord(svg, data, g, shares, n, elbow) {
  const name = n < data.strong ? "strong" : "", [a, b] = [0, 1].map((run) => g.ends[run][n])
  if (!shares.some((run) => Number.isNaN(run[n]))) line(svg, name, [g.left, a, g.right, b])
  for (const [run, x, way] of [[0, g.left, -1], [1, g.right, 1]]) {
    line(svg, "lead", [x + way * 5, g.ends[run][n], x + way * elbow, g.words[run][n]])
    if (!Number.isNaN(shares[run][n])) dot(svg, name, x, g.ends[run][n])
  }
}

function build(root) {
  root.replaceChildren()
  const parts = { root, title: make("div", "title", root), stage: make("div", "stage", root), note: make("div", "note", root) }
  parts.stage.style.height = `${TALL}px`
  parts.watch = new ResizeObserver(() => { if (parts.wide !== root.clientWidth) parts.draw() })
  parts.watch.observe(root)
  return parts
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), values = decode(data.values)
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root)
  parts.title.textContent = data.title
  parts.note.textContent = data.note
  parts.note.hidden = !data.note
  parts.draw = () => draw(parts, data, values, setTriggerValue)
  parts.draw()
  saveElements(root, { title: data.title, said: data.caption, arrays: () => ofSlope(data, values) })
  return () => { parts.watch.disconnect(); memory.delete(root) }
}
