// How was this number made? Draws what ui/kit/explanation_panel.py sends: every text by textContent, every link a real button.
import { create, createButton } from "./dom.js"

const link = (item, open) => {
  if (!item.cell) return create("span", "constant", item.text)
  const button = createButton("link", item.text, () => open(item.cell))
  button.title = item.cell
  return button
}

const walk = (data, open) => {
  const steps = create("nav", "walk")
  steps.setAttribute("aria-label", "The way here")
  data.trail.forEach((step, i) => {
    if (i) steps.append(create("span", "arrow", "←"))
    steps.append(i === data.trail.length - 1 ? create("span", "here", step.text) : link(step, open))
  })
  if (data.trail.length > 1) {
    steps.prepend(createButton("back", "Back", () => open(data.trail[data.trail.length - 2].cell)))
  }
  return steps
}

const head = (data, open) => {
  const all = create("div")
  if (data.trail.length > 1) all.append(walk(data, open))
  const line = create("div", "title")
  const title = create("h3", "", data.title)
  title.tabIndex = -1
  line.append(title, create("output", "value", data.value))
  all.append(line, create("div", "where", data.where))
  if (data.story) all.append(create("p", "story", data.story))
  all.append(create("code", "name", data.name))
  return all
}

const bar = (share) => {
  const fill = create("span", share < 0 ? "bar negative" : "bar positive")
  fill.style.width = `${Math.abs(share) * 100}%`
  return fill
}

const operands = (group, open) => {
  const part = create("section")
  part.append(create("h4", "", group.title))
  if (group.where) part.append(create("div", "where", group.where))
  const rows = create("ul", "")
  for (const row of group.rows) {
    const item = create("li", "")
    item.append(create("span", "label", row.label))
    const terms = create("span", "terms")
    row.items.forEach((operand, i) => {
      if (i) terms.append(create("span", "sign", "×"))
      terms.append(link(operand, open))
    })
    if (row.product) terms.append(create("span", "sign", "="), create("span", "product", row.product))
    item.append(terms, bar(row.share))
    rows.append(item)
  }
  part.append(rows)
  return part
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
  const parts = create("div")
  parts.append(create("h4", "", "With the numbers in it"), create("div", "formula", data.formula), create("div", "check", data.check))
  if (data.count) parts.append(create("h4", "", data.count > 1
    ? "Made from these. Click one to see how it was made" : "Made from this. Click it to see how it was made"))
  if (data.groups.some((group) => group.rows.length > 1)) {
    const key = create("div", "key", "Bars: how large each term is; ")
    key.append(create("span", "swatch positive"), "above zero, ", create("span", "swatch negative"), "below")
    parts.append(key)
  }
  for (const group of data.groups) parts.append(operands(group, open))
  if (data.more) {
    const foot = create("div", "more")    // stays at the lower edge, below the longest list
    foot.append(createButton("all", data.more, all))
    parts.append(foot)
  }
  return parts
}

const lines = (data) => {
  const parts = create("div")
  if (data.sources.length) parts.append(create("h4", "", "The lines that computed it"))
  data.sources.forEach((snippet, i) => parts.append(source(snippet, i)))
  return parts
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".number")
  const open = (cell) => setTriggerValue("open", cell)
  const all = () => setTriggerValue("all", true)
  const focused = root.contains(root.getRootNode().activeElement)
  root.replaceChildren(...data.parts.map((part) => ({ head, body, lines }[part.part](part, open, all))))
  if (focused) root.querySelector(".link, h3")?.focus({ preventScroll: true })
}
