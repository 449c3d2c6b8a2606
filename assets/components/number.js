// How was this number made? Draws what ui/numbers.py sends: every text by textContent, every link a real button.
const make = (tag, className, text) => {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

const link = (item, open) => {
  if (!item.cell) return make("span", "constant", item.text)
  const button = make("button", "link", item.text)
  button.type = "button"
  button.title = item.cell
  button.onclick = () => open(item.cell)
  return button
}

const walk = (data, open) => {
  const steps = make("nav", "walk")
  steps.setAttribute("aria-label", "The way here")
  data.trail.forEach((step, i) => {
    if (i) steps.append(make("span", "arrow", "←"))
    steps.append(i === data.trail.length - 1 ? make("span", "here", step.text) : link(step, open))
  })
  if (data.trail.length > 1) {
    const back = make("button", "back", "Back")
    back.type = "button"
    back.onclick = () => open(data.trail[data.trail.length - 2].cell)
    steps.prepend(back)
  }
  return steps
}

const head = (data, open) => {
  const all = make("div")
  if (data.trail.length > 1) all.append(walk(data, open))
  const line = make("div", "title")
  const title = make("h3", "", data.title)
  title.tabIndex = -1
  line.append(title, make("output", "value", data.value))
  all.append(line, make("div", "where", data.where))
  if (data.story) all.append(make("p", "story", data.story))
  all.append(make("code", "name", data.name))
  return all
}

const bar = (share) => {
  const fill = make("span", share < 0 ? "bar negative" : "bar positive")
  fill.style.width = `${Math.abs(share) * 100}%`
  return fill
}

const operands = (group, open) => {
  const part = make("section")
  part.append(make("h4", "", group.title))
  if (group.where) part.append(make("div", "where", group.where))
  const rows = make("ul", "")
  for (const row of group.rows) {
    const item = make("li", "")
    item.append(make("span", "label", row.label))
    const terms = make("span", "terms")
    row.items.forEach((operand, i) => {
      if (i) terms.append(make("span", "sign", "×"))
      terms.append(link(operand, open))
    })
    if (row.product) terms.append(make("span", "sign", "="), make("span", "product", row.product))
    item.append(terms, bar(row.share))
    rows.append(item)
  }
  part.append(rows)
  return part
}

const source = (snippet, i) => {
  const part = make("details", "source")
  part.open = i === 0
  part.append(make("summary", "", `${snippet.path}, line ${snippet.first}: ${snippet.function}`))
  const lines = make("pre", "")
  lines.tabIndex = 0
  snippet.lines.forEach((line, n) => {
    const row = make("span", snippet.marked.includes(snippet.first + n) ? "line marked" : "line")
    const shape = snippet.shapes[snippet.first + n]
    row.append(make("span", "count", String(snippet.first + n).padStart(3)), make("span", "", line + (shape ? "" : "\n")))
    if (shape) row.append(make("span", "shape", `   → ${shape}\n`))
    lines.append(row)
  })
  part.append(lines)
  return part
}

const body = (data, open, all) => {
  const parts = make("div")
  parts.append(make("h4", "", "With the numbers in it"), make("div", "formula", data.formula), make("div", "check", data.check))
  if (data.count) parts.append(make("h4", "", data.count > 1
    ? "Made from these. Click one to see how it was made" : "Made from this. Click it to see how it was made"))
  if (data.groups.some((group) => group.rows.length > 1)) {
    const key = make("div", "key", "Bars: how large each term is; ")
    key.append(make("span", "swatch positive"), "above zero, ", make("span", "swatch negative"), "below")
    parts.append(key)
  }
  for (const group of data.groups) parts.append(operands(group, open))
  if (data.more) {
    const button = make("button", "all", data.more)
    button.type = "button"
    button.onclick = all
    parts.append(button)
  }
  return parts
}

const lines = (data) => {
  const parts = make("div")
  if (data.sources.length) parts.append(make("h4", "", "The lines that computed it"))
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
