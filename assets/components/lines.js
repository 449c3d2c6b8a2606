// Two columns of tokens and a line for each weight, as strong as the weight. A token that is pointed at shows its lines alone.
import { themeOf } from "./colours.js"
import { make, makeButton, SVG } from "./dom.js"
import { drawLines, sizeOf } from "./lines_drawing.js"
import { linesOf, ROW, strength, WIDE } from "./lines_geometry.js"
import { decode, percent, rounded } from "./numbers.js"
import { saveMenu } from "./saving.js"
import { ofLines } from "./shown_arrays.js"

function column(root, side, labels, row, title) {
  const list = make("div", `side ${side}`, root)
  list.setAttribute("role", "group")
  list.setAttribute("aria-label", title)
  list.style.gridRow = row
  return labels.map((label) => {
    const button = makeButton("", list)
    button.title = label
    make("span", "word", button, label)
    return button
  })
}

function linesIn(svg, data, height) {
  const several = data.shape[0] > 1
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${height}`)
  svg.setAttribute("preserveAspectRatio", "none")
  svg.style.height = `${height}px`
  svg.setAttribute("aria-hidden", "true")
  return linesOf(data).map((each) => {
    const line = document.createElementNS(SVG, "line"), width = several ? 1.6 : 1 + 3 * each.weight
    const look = { ...each.ends, stroke: data.colours[each.h], "stroke-width": width, "vector-effect": "non-scaling-stroke" }
    for (const [name, value] of Object.entries(look)) line.setAttribute(name, value)
    svg.append(line)
    return { ...each, line }
  })
}

// Shows the lines of one token on the left (l) or on the right (m), with its weights beside the tokens at their ends.
function isolate(parts, data, l, m) {
  const [H, , M] = data.shape
  for (const each of parts.lines) {
    const shown = strength(each, data.only, l, m)
    if (each.shown !== shown) each.line.setAttribute("stroke-opacity", each.shown = shown)
  }
  const show = (buttons, weights) => buttons.forEach((button, i) => {
    button.querySelector(".value")?.remove()
    if (H === 1 && weights) make("span", "value", button, data.percent ? percent(weights(i)) : rounded(weights(i), 4))
  })
  show(parts.right, l === null ? null : (i) => data.numbers[l * M + i])
  show(parts.left, m === null ? null : (i) => data.numbers[i * M + m])
  parts.left.forEach((button, i) => button.classList.toggle("lit", i === l))
  parts.right.forEach((button, i) => button.classList.toggle("lit", i === m))
}

function walkable(buttons, first) {
  buttons.forEach((button, i) => {
    button.tabIndex = i === first ? 0 : -1
    button.onkeydown = (event) => {
      const next = { ArrowDown: i + 1, ArrowUp: i - 1 }[event.key]
      if (next === undefined || !buttons[next]) return
      event.preventDefault()
      buttons[next].tabIndex = 0
      button.tabIndex = -1
      buttons[next].focus()
    }
  })
}

function build(root, data) {
  root.replaceChildren()
  const [H, L, M] = data.shape
  if (H > 1) {
    const heads = make("div", "heads", root)
    data.titles.forEach((title, h) => {
      const head = make("span", "", heads)
      make("i", "", head).style.background = data.colours[h]
      head.append(title)
    })
  }
  data.ends.forEach((title, i) => make("h4", ["left", "right"][i], root, title))
  const row = H > 1 ? 3 : 2
  const left = column(root, "left", data.rows, row, data.ends[0])
  const svg = document.createElementNS(SVG, "svg")
  svg.style.gridRow = row
  root.append(svg)
  const right = column(root, "right", data.columns, row, data.ends[1])
  return { left, right, lines: linesIn(svg, data, ROW * Math.max(L, M)) }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  const shown = { ...data, numbers: decode(data.values) }
  const focused = [...root.querySelectorAll(".left button")].indexOf(root.getRootNode().activeElement)
  const parts = build(root, shown)
  const rest = () => isolate(parts, shown, shown.only ? null : shown.chosen, null)
  saveMenu(make("div", "saving", root), () => ({ ...sizeOf(shown), style: themeOf(getComputedStyle(root)),
    title: "Attention weights", step: data.step, arrays: () => ofLines(shown), without: data.titles.length > 1 ? ["head"] : [], paint: (brush) => drawLines(brush, shown, themeOf(getComputedStyle(root))) }))
  parts.left.forEach((button, l) => {
    button.classList.toggle("chosen", l === data.chosen)
    button.setAttribute("aria-pressed", l === data.chosen)
    button.onclick = () => {
      parts.left.forEach((each, i) => {
        each.classList.toggle("chosen", i === l)
        each.setAttribute("aria-pressed", String(i === l))
      })
      setTriggerValue("token", [l])
    }
    button.onmouseenter = button.onfocus = () => isolate(parts, shown, l, null)
    button.onmouseleave = button.onblur = rest
  })
  parts.right.forEach((button, m) => {
    button.onmouseenter = button.onfocus = () => isolate(parts, shown, null, m)
    button.onmouseleave = button.onblur = rest
  })
  walkable(parts.left, data.chosen ?? 0)
  walkable(parts.right, 0)
  rest()
  if (focused >= 0) parts.left[focused]?.focus({ preventScroll: true })
}
