// How was this number made? Draws what ui/kit/explanation_panel.py sends: every text by textContent, every link a real button.
import { create, createButton, make } from "./dom.js"
import { keepInLink } from "./seen.js"
import { keepClear } from "./sheet.js"

const link = (item, open) => {
  if (!item.cell) return create("span", "constant", item.text)
  const button = createButton("link", item.text, () => open(item.cell))
  button.title = item.cell
  return button
}

const walk = (data, open) => {
  const steps = create("nav", "walk")
  steps.setAttribute("aria-label", "Path to this number")
  data.trail.forEach((step, i) => {
    if (i) steps.append(create("span", "arrow", "←"))
    steps.append(i === data.trail.length - 1 ? create("span", "here", step.text) : link(step, open))
  })
  if (data.trail.length > 1) {
    steps.prepend(createButton("back", "Back", () => open(data.trail[data.trail.length - 2].cell)))
  }
  return steps
}

// Another number in the place of this one: what is typed is sent as it is, and the page runs the model with it.
const whatIf = (set) => {
  const form = create("form", "what-if"), label = create("label", "", "What if this were "), input = create("input", "")
  Object.assign(input, { type: "number", step: "any", value: "0", required: true })
  label.append(input)
  form.append(label, create("button", "try", "Try"))
  form.onsubmit = (event) => {
    event.preventDefault()
    if (Number.isFinite(input.valueAsNumber)) set(input.valueAsNumber)
  }
  return form
}

const head = (data, open, set) => {
  const all = create("div")
  if (data.trail.length > 1) all.append(walk(data, open))
  if (data.hint) all.append(create("p", "hint", data.hint))
  const title = create("h3")
  title.append(data.term ? Object.assign(create("a", "", data.title), { href: `#term-${data.term}` }) : data.title)
  title.tabIndex = -1
  all.append(title, create("output", "value", data.value), create("div", "where", data.where))
  all.append(create("code", "name", data.name))
  if (data.story) all.append(create("p", "story", data.story))
  if (data.canChange) all.append(whatIf(set))
  return all
}

const bar = (share) => {
  const fill = create("span", share < 0 ? "bar negative" : "bar positive")
  fill.style.width = `${Math.abs(share) * 100}%`
  return fill
}

const term = (row, open) => {
  const item = create("li", "")
  const terms = create("span", "terms")
  row.items.forEach((operand, i) => {
    if (i) terms.append(create("span", "sign", "×"))
    terms.append(link(operand, open))
  })
  if (row.product) terms.append(create("span", "sign", "="), create("span", "product", row.product))
  item.append(create("span", "label", row.label), terms, bar(row.share))
  return item
}

// A list of terms: the first few in sight, the others folded away.
const operands = (group, first, open) => {
  const part = create("section"), rows = create("ul", "")
  part.append(create("h4", "", group.title))
  if (group.where) part.append(create("div", "where", group.where))
  rows.append(...group.rows.slice(0, first).map((row) => term(row, open)))
  part.append(rows)
  if (group.rows.length > first) {
    const others = create("ul", "")
    others.append(...group.rows.slice(first).map((row) => term(row, open)))
    part.append(fold("terms", `${group.rows.length - first} more`, [others]))
  }
  return part
}

// What is folded away; whether it is open is kept while the same number is shown at the same depth.
const unfolded = new Map()
let shown = null

const fold = (name, title, inside, open = false) => {
  const part = create("details", "fold")
  part.append(create("summary", "", title), ...inside)
  part.dataset.fold = name
  part.open = unfolded.get(name) ?? open
  part.ontoggle = () => unfolded.set(name, part.open)
  return part
}

// What the reader folded or unfolded, such as code_-check.
const spelledFolds = () => [...unfolded].map(([name, open]) => (open ? name : `-${name}`)).join("_") || null

function takeFolds(root, text) {
  for (const each of text.split("_")) {
    const name = each.replace("-", "")
    for (const part of root.querySelectorAll("details.fold")) if (part.dataset.fold === name) part.open = !each.startsWith("-")
  }
}

const source = (snippet, i) => {
  const part = create("details", "source")
  part.open = i === 0 || snippet.marked.length > 0
  part.append(create("summary", "", `${snippet.path}, line ${snippet.first}: ${snippet.function}`))
  const lines = create("pre", "")
  lines.tabIndex = 0
  snippet.lines.forEach((line, n) => {
    const row = create("span", snippet.marked.includes(snippet.first + n) ? "line marked" : "line")
    const shape = snippet.shapes[snippet.first + n]
    row.append(create("span", "count", String(snippet.first + n).padStart(3)), create("span", "", line + (shape ? "" : "\n")))
    if (shape) row.append(create("span", "shape", `   → ${shape}\n`))
    lines.append(row)
  })
  part.append(lines)
  return part
}

const body = (data, open, all) => {
  const parts = create("div"), [short, whole] = data.check
  parts.append(create("div", "formula", data.formula))
  if (data.count) parts.append(create("h4", "", "Made from"))
  for (const group of data.groups) parts.append(operands(group, data.first, open))
  if (data.more) make("div", "foot", parts).append(createButton("all", data.more, all))
  if (short) parts.append(fold("check", short, [create("div", "check", whole)]))
  else parts.append(create("div", "check", whole))
  return parts
}

const lines = (data, depth) => {
  const parts = create("div")
  if (!data.sources.length) return parts
  parts.append(fold("code", "Code: the lines that computed it", data.sources.map(source), depth === "code"))
  return parts
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".number")
  if (shown !== data.shown) unfolded.clear()
  shown = data.shown
  const open = (cell) => setTriggerValue("open", cell)
  const all = () => setTriggerValue("all", true), set = (number) => setTriggerValue("set", number)
  root.onclick = ({ target }) => target.closest("button")?.classList.add("asked")     // it is answered before the number is there
  const focused = root.contains(root.getRootNode().activeElement)
  const draw = { head: (part) => head(part, open, set), body: (part) => body(part, open, all), lines: (part) => lines(part, data.depth) }
  root.replaceChildren(...data.parts.map((part) => draw[part.part](part)))
  keepInLink(root, "folds", spelledFolds, (text) => takeFolds(root, text))
  requestAnimationFrame(() => keepClear(root))
  if (focused) root.querySelector(".link, h3")?.focus({ preventScroll: true })
}
