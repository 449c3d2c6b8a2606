// The architecture as boxes in the order in which the sentence passes them, from plain data; every text by textContent.
const memory = new WeakMap()

function box(entry, parent, context, className = "box") {
  const element = make(entry.target ? "button" : "div", className, parent)
  element.style.setProperty("--kind", context.colours[entry.kind] ?? context.colours.norm)
  if (className === "box") {
    make("b", "", element, entry.title)
    if (entry.detail) make("small", "", element, entry.detail)
  } else {
    element.textContent = entry.title
    element.title = entry.detail
    element.setAttribute("aria-label", `Sum: ${entry.detail}`)
  }
  if (!entry.target) return
  element.type = "button"
  element.dataset.target = entry.target
  element.onclick = () => context.open(entry.target)
}

function flow(entries, parent, context, entered) {
  const line = make("div", "flow", parent)
  for (const entry of entries) {
    if (entered || line.childElementCount) stem(line, entry)
    if (entry.kind === "layers") layers(entry, line, context)
    else if (entry.kind === "residual") residual(entry, line, context)
    else box(entry, line, context)
  }
  return line
}

// A piece of the residual stream; it ends in an arrow where it enters a box.
function stem(parent, entry) {
  make("i", entry && !entry.blocks ? "stem tip" : "stem", parent)
}

function layers(entry, parent, context) {
  const frame = make("section", "layers", parent)
  frame.setAttribute("aria-label", `${entry.title}, one of ${entry.times} layers`)
  const head = make("div", "head", frame)
  make("span", "", head, entry.title)
  make("span", "times", head, entry.times === 1 ? "1 layer" : `× ${entry.times} layers`)
  stem(flow(entry.blocks, frame, context, true))
}

function residual(entry, parent, context) {
  const frame = make("div", "residual", parent)
  make("div", "around", frame)
  const line = flow(entry.blocks, frame, context, true)
  stem(line, entry.add)
  box(entry.add, line, context, "add")
}

function stack(entry, parent, context, flip) {
  const frame = make("section", flip ? "stack flip" : "stack", parent)
  make("div", "name", frame, entry.title)
  flow(entry.blocks, frame, context)
}

const find = (root, target) => [...root.querySelectorAll("[data-target]")].find((box) => box.dataset.target === target)

// The arrow by which the encoder's last vectors reach the decoder's attention: out of its foot, up between the stacks.
function cross(root, [from, to]) {
  root.querySelector("svg.arrow")?.remove()
  root.querySelector(".kv")?.remove()
  const home = root.getBoundingClientRect()
  const start = find(root, from)?.getBoundingClientRect(), end = find(root, to)?.getBoundingClientRect()
  if (!start || !end || end.left <= start.right) return
  const stacks = [...root.querySelectorAll(".stack")].map((each) => each.getBoundingClientRect())
  const middle = (stacks[0].right + stacks[1].left) / 2 - home.left
  const x1 = start.right - home.left, y1 = start.top + start.height / 2 - home.top
  const x2 = end.left - home.left - 2, y2 = end.top + end.height / 2 - home.top
  const bend = Math.min(8, Math.abs(y2 - y1) / 2), down = Math.sign(y2 - y1)
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("class", "arrow")
  svg.setAttribute("aria-hidden", "true")
  const path = (name, d) => {
    const each = document.createElementNS(SVG, "path")
    each.setAttribute("class", name)
    each.setAttribute("d", d)
    svg.append(each)
  }
  path("shaft", `M${x1} ${y1}H${middle - bend}q${bend} 0 ${bend} ${down * bend}V${y2 - down * bend}`
    + `q0 ${down * bend} ${bend} ${down * bend}H${x2 - 7}`)
  path("tip", `M${x2} ${y2}l-10 -6v12z`)
  root.append(svg)
  const label = make("span", "kv", root, "k, v")
  label.style.left = `${middle}px`
  label.style.top = `${(y1 + y2) / 2}px`
}

function build(root, data, open) {
  const context = { colours: data.colours, open }
  for (const [kind, colour] of Object.entries(data.colours)) root.style.setProperty(`--${kind}`, colour)
  const focused = root.getRootNode().activeElement?.dataset?.target
  root.replaceChildren()
  const stacks = data.diagram.filter((entry) => entry.blocks), ends = data.diagram.filter((entry) => !entry.blocks)
  root.classList.toggle("two", stacks.length > 1)
  const row = make("div", "stacks", root)
  stacks.forEach((entry, i) => stack(entry, row, context, i > 0))
  const last = row.lastElementChild?.querySelector(".flow")
  for (const entry of ends) {
    if (last) stem(last, entry)
    box(entry, last ?? root, context)
  }
  if (focused) find(root, focused)?.focus({ preventScroll: true })
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  build(root, data, (target) => setTriggerValue("open", target))
  memory.get(root)?.disconnect()
  const watch = new ResizeObserver(() => data.arrow && cross(root, data.arrow))
  memory.set(root, watch)
  watch.observe(root)
  return () => watch.disconnect()
}
