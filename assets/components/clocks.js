// Positions as clocks: a column for each token, a row for each pair of numbers, and in each a hand turned by position × angle.
// The hands turn as they appear; a click on a token chooses it, one on a pair chooses the pair.
import { make, makeButton, SVG } from "./dom.js"
import { saveElements } from "./saving.js"
import { ofClocks } from "./shown_arrays.js"

const draw = (parent, name, attributes) => {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  parent.append(element)
  return element
}

function clock(cell, degrees, before) {
  const svg = draw(cell, "svg", { viewBox: "-24 -24 48 48", "aria-hidden": "true" })
  draw(svg, "circle", { r: 21, class: "face" })
  draw(svg, "line", { x1: 0, y1: 0, x2: 0, y2: -19, class: "start" })
  const hand = draw(svg, "g", { class: "hand" })
  draw(hand, "line", { x1: 0, y1: 0, x2: 0, y2: -17 })
  draw(hand, "circle", { r: 3, cy: -17 })
  hand.style.transform = `rotate(${before}deg)`
  if (before !== degrees) requestAnimationFrame(() => requestAnimationFrame(() => { hand.style.transform = `rotate(${degrees}deg)` }))
  hand.dataset.degrees = degrees
}

const drawn = new WeakMap()        // the hands of each figure as they stood last

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), before = drawn.get(root) ?? {}, now = {}
  const focused = root.getRootNode().activeElement?.dataset?.name
  root.replaceChildren()
  root.style.setProperty("--columns", data.tokens.length)
  make("span", "corner", root, data.corner)
  data.tokens.forEach((token, i) => {
    const button = makeButton("token", root, token.text, () => {
      root.querySelectorAll(".token").forEach((each, k) => each.setAttribute("aria-pressed", String(k === i)))
      setTriggerValue("token", token.position)
    })
    make("small", "", button, String(token.position))
    button.dataset.name = `token ${i}`
    button.setAttribute("aria-pressed", String(token.position === data.chosen))
    button.setAttribute("aria-label", `Position ${token.position}: ${token.text}`)
  })
  data.pairs.forEach((pair) => {
    const button = makeButton("pair", root, pair.title, () => {
      root.querySelectorAll(".pair").forEach((each) => each.setAttribute("aria-pressed", String(each === button)))
      setTriggerValue("pair", pair.pair)
    })
    make("small", "", button, pair.note)
    button.dataset.name = `pair ${pair.pair}`
    button.setAttribute("aria-pressed", String(pair.pair === data.pair))
    pair.degrees.forEach((degrees, i) => {
      const chosen = data.tokens[i].position === data.chosen, cell = make("span", chosen ? "cell chosen" : "cell", root)
      const name = `${pair.pair} ${data.tokens[i].position}`
      cell.setAttribute("role", "img")
      cell.setAttribute("aria-label", `${pair.title}, position ${data.tokens[i].position}: ${pair.turns[i]}`)
      cell.title = pair.turns[i]
      clock(cell, degrees, before[name] ?? 0)
      now[name] = degrees
      if (chosen) make("small", "", cell, pair.turns[i])
    })
  })
  drawn.set(root, now)
  saveElements(root, { title: root.getAttribute("aria-label"), arrays: () => ofClocks(data) })
  if (focused) root.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true })
}
