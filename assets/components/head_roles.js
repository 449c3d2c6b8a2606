// All heads of all layers in one table: what each does, and how much of its attention it gives to that. The numbers of both texts
// are here, so that the switch between them answers at once.
import { make, makeButton } from "./dom.js"
import { decode, percent } from "./numbers.js"
import { namedRole, strongest } from "./roles.js"
import { saveElements } from "./saving.js"
import { keepInLink } from "./seen.js"
import { ofHeadRoles } from "./shown_arrays.js"

const shown = new Map()     // the text that the reader chose last, by table

const sharesOf = (data, text, layer, head) => {
  const [, layers, heads, size] = data.shape, at = ((text * layers + layer) * heads + head) * size
  return data.numbers.subarray(at, at + size)
}

// Every role of a head in words, for the pointer.
const told = (data, shares, layer, head) => [`Layer ${layer}, head ${head}`,
  ...data.roles.map((role, i) => `${role}: ${percent(shares[i], 0)}`)].join("\n")

function headCell(row, data, text, layer, head, choose) {
  const shares = sharesOf(data, text, layer, head), best = strongest(shares, data.ranked), share = shares[best]
  const button = makeButton("head", make("td", "", row), "", () => choose(layer, head))
  const name = namedRole(share) ? data.roles[best].split(" ")[0] : "none"
  button.title = told(data, shares, layer, head)
  button.setAttribute("aria-label", button.title.replaceAll("\n", ", "))
  button.classList.toggle("strong", share >= data.strong)
  button.classList.toggle("chosen", layer === data.chosen[0] && head === data.chosen[1])
  make("span", "name", button, name)
  make("i", "", button).style.width = `${100 * share}%`
  return button
}

function body(table, data, text, choose) {
  const [, layers, heads] = data.shape, top = make("tr", "", make("thead", "", table)), rows = make("tbody", "", table), buttons = []
  table.style.setProperty("--heads", heads)
  make("th", "", top, "layer").scope = "col"
  for (let head = 0; head < heads; head++) make("th", "", top, head ? head : "head 0").scope = "col"
  for (let layer = 0; layer < layers; layer++) {
    const row = make("tr", "", rows)
    make("th", "", row, layer).scope = "row"
    for (let head = 0; head < heads; head++) buttons.push(headCell(row, data, text, layer, head, choose))
  }
  walkable(buttons, heads, data.chosen[0] * heads + data.chosen[1])
}

// One Tab stop: arrows walk through the table.
function walkable(buttons, across, chosen) {
  buttons.forEach((button, i) => {
    button.tabIndex = i === chosen ? 0 : -1
    button.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key], next = buttons[i + step]
      if (!next) return
      event.preventDefault()
      next.focus()
    }
  })
}

function draw(root, data, text, send) {
  const scrolled = root.querySelector(".scroll")?.scrollTop
  root.replaceChildren()
  const switches = make("div", "texts", root)
  switches.setAttribute("role", "group")
  switches.setAttribute("aria-label", "Measured on")
  data.texts.forEach((title, i) => {
    const button = makeButton("text", switches, title, () => { shown.set(data.key, i); draw(root, data, i, send) })
    button.setAttribute("aria-pressed", String(i === text))
  })
  make("p", "", root, data.counts[text])
  const scroll = make("div", "scroll", root), table = make("table", "", scroll)
  table.setAttribute("aria-label", `Roles of all heads: ${data.texts[text]}`)
  body(table, data, text, (layer, head) => { draw(root, { ...data, chosen: [layer, head] }, text, send); send(layer, head) })
  saveElements(root, { title: table.getAttribute("aria-label"), without: ["layer", "head"], arrays: () => ofHeadRoles(data) })
  const chosen = table.querySelector(".chosen")         // at first the chosen head is in sight; then the reader has the say
  scroll.scrollTop = scrolled ?? chosen.offsetTop - scroll.clientHeight / 2
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), given = { ...data, numbers: decode(data.values) }
  const focused = root.getRootNode().activeElement?.classList.contains("head")
  const send = (layer, head) => setTriggerValue("head", [layer, head]), text = () => shown.get(data.key) ?? 0
  draw(root, given, text(), send)
  keepInLink(root, "text", () => text() || null, (asked) => {
    if (!data.texts[asked]) return
    shown.set(data.key, Number(asked))
    draw(root, given, text(), send)
  })
  if (focused) root.querySelector(".chosen")?.focus({ preventScroll: true })
}
