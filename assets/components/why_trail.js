// The trail of a word: what gave to it, from the words of the sentence on the left to the word on the right. A row is a token, a curve
// is as wide as what it gives, blue above zero, red below. A node opens a number; the graph is one Tab stop, with arrows.
import { palette } from "./colours.js"
import { SVG, create, createButton, make } from "./dom.js"
import { decode, percent, rounded } from "./numbers.js"
import { oneStop } from "./one_stop.js"
import { saveElements } from "./saving.js"
import { ofTrail } from "./shown_arrays.js"
import { inkOn } from "./why_geometry.js"
import { TALL, WIDE, curve, firstSeen, layOut, widthOf } from "./why_trail_geometry.js"

function shaderOf(root) {
  const look = getComputedStyle(root), bytes = new Uint8Array(palette(look, "diverging").pixels.buffer)
  const [below, above] = ["red", "blue"].map((name) => look.getPropertyValue(`--st-${name}-color`).trim())
  return { below, above, of: (share) => {
    const at = 4 * Math.round(Math.min(Math.max((share + 1) / 2, 0), 1) * 255)
    return bytes.subarray(at, at + 3)
  } }
}

function node(shown, i, box, limit, shade, open) {
  const { name, role, opens } = shown.nodes[i], part = shown.numbers[i]
  const element = opens ? createButton("node", "", () => open(i)) : create("div", "node still")
  const [r, g, b] = shade.of(part / limit)
  Object.assign(element.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${WIDE}px`, height: `${TALL}px`, background: `rgb(${r}, ${g}, ${b})`,
    color: inkOn(r, g, b), borderColor: shown.colours[role] })
  make("span", "name", element, name)
  make("b", "", element, rounded(part, 3))
  element.title = `${name}, ${shown.tokens[shown.nodes[i].row]}: ${rounded(part)} (${percent(shown.total ? part / shown.total : 0, 0)})`
  if (opens) element.ariaLabel = element.title
  return element
}

function curves(shown, boxes, wide, tall, shade) {
  const drawing = document.createElementNS(SVG, "svg"), parts = shown.numbers.subarray(shown.nodes.length)
  drawing.setAttribute("width", wide)
  drawing.setAttribute("height", tall)
  drawing.setAttribute("aria-hidden", "true")
  const largest = Math.max(0, ...[...parts].map(Math.abs))
  shown.edges.forEach(([giver, taker], i) => {
    const path = document.createElementNS(SVG, "path")
    path.setAttribute("d", curve(boxes[giver], boxes[taker]))
    path.setAttribute("fill", "none")
    path.setAttribute("stroke", parts[i] < 0 ? shade.below : shade.above)
    path.setAttribute("stroke-width", widthOf(parts[i], largest))
    path.setAttribute("stroke-opacity", "0.55")
    drawing.append(path)
  })
  return drawing
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), shown = { ...data, numbers: decode(data.given) }, shade = shaderOf(root)
  const before = root.querySelector(".scroll")?.scrollLeft
  root.replaceChildren(create("div", "title", data.title))
  const body = make("div", "body", root), names = make("div", "names", body), scroll = make("div", "scroll", body)
  const stage = make("div", "stage", scroll), { boxes, bands, wide, tall } = layOut(data.nodes, data.tokens.length, scroll.clientWidth)
  names.style.height = stage.style.height = `${tall}px`
  stage.style.width = `${wide}px`
  bands.forEach(({ top, tall: high }, row) => {
    const name = make("div", "token", names)
    make("span", "", name, data.tokens[row])
    name.title = data.tokens[row]
    Object.assign(name.style, { top: `${top}px`, height: `${high}px` })
    const band = make("i", row % 2 ? "band odd" : "band", stage)
    Object.assign(band.style, { top: `${top}px`, height: `${high}px` })
  })
  stage.append(curves(shown, boxes, wide, tall, shade))
  const limit = Math.max(...[...shown.numbers.subarray(0, data.nodes.length)].map(Math.abs)) || 1
  data.nodes.forEach((_, i) => stage.append(node(shown, i, boxes[i], limit, shade, (at) => setTriggerValue("cell", at))))
  oneStop([...stage.querySelectorAll("button")], 0)
  scroll.scrollLeft = before ?? firstSeen(data.nodes, boxes, scroll.clientWidth)
  saveElements(root, { title: data.title, without: ["head", "layer"], arrays: () => ofTrail(shown) })
}
