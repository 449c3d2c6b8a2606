// Two columns of tokens and a line for each weight, as strong as the weight. Resting on a token shows its lines alone.
// only: for each token on the left the one on the right to which alone a line is drawn.
const ROW = 26

const hue = (data, head) => (data.shape[0] === 1 ? data.colour : `hsl(${(head * 137.5) % 360} 55% 52%)`)

function column(root, side, labels, row, title) {
  const list = make("div", `side ${side}`, root)
  list.setAttribute("role", "group")
  list.setAttribute("aria-label", title)
  list.style.gridRow = row
  return labels.map((label) => {
    const button = make("button", "", list)
    button.type = "button"
    button.title = label
    make("span", "word", button, label)
    return button
  })
}

function drawLines(svg, data, height) {
  const [H, L, M] = data.shape
  const lines = []
  for (let h = 0, at = 0; h < H; h++) for (let l = 0; l < L; l++) for (let m = 0; m < M; m++, at++) {
    const weight = data.numbers[at]
    if (data.only ? m !== data.only[l] : !(weight > 0.01)) continue
    const line = document.createElementNS(SVG, "line")
    const ends = { x1: 0, x2: 100, y1: (l + 0.5) * ROW, y2: (m + 0.5) * ROW, stroke: hue(data, h),
      "stroke-width": H > 1 ? 1.6 : 1 + 3 * weight, "vector-effect": "non-scaling-stroke" }
    for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value)
    svg.append(line)
    lines.push({ line, h, l, m, weight })
  }
  svg.setAttribute("viewBox", `0 0 100 ${height}`)
  svg.setAttribute("preserveAspectRatio", "none")
  svg.style.height = `${height}px`
  svg.setAttribute("aria-hidden", "true")
  return lines
}

// Shows the lines of one token on the left (l) or on the right (m), with its weights beside the tokens at their ends.
function isolate(parts, data, l, m) {
  const [H, L, M] = data.shape
  const all = l === null && m === null
  const alone = data.only ? 0.25 : 0          // lines that stand alone are seen even where they are weak
  for (const each of parts.lines) {
    const own = all || each.l === l || each.m === m
    const shown = own ? Math.min(1, alone + (all ? each.weight : Math.max(0.15, each.weight))) : 0.02
    if (each.shown !== shown) each.line.setAttribute("stroke-opacity", each.shown = shown)
  }
  const show = (buttons, weights) => buttons.forEach((button, i) => {
    button.querySelector(".value")?.remove()
    if (H === 1 && weights) make("span", "value", button, rounded(weights(i), 4))
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
      make("i", "", head).style.background = hue(data, h)
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
  return { left, right, lines: drawLines(svg, data, ROW * Math.max(L, M)) }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  const shown = { ...data, numbers: decode(data.values) }
  const focused = [...root.querySelectorAll(".left button")].indexOf(root.getRootNode().activeElement)
  const parts = build(root, shown)
  const rest = () => isolate(parts, shown, shown.only ? null : shown.chosen, null)
  parts.left.forEach((button, l) => {
    button.classList.toggle("chosen", l === data.chosen)
    button.setAttribute("aria-pressed", l === data.chosen)
    button.onclick = () => setTriggerValue("token", [l])
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
