// What a translator wrote, and what each source word gave to it. A click on a written word shows its lines and numbers at once; the page follows.
import { create, createButton, make, makeButton, markOpened, SVG } from "./dom.js"
import { lengthOf, linesOf, offset, ROW, strengthOf, thickness, WIDE } from "./alignment_geometry.js"
import { announce, listen } from "./looked_at.js"
import { decode, percent, rounded } from "./numbers.js"
import { saveElements } from "./saving.js"
import { ofAlignment } from "./shown_arrays.js"

const WAIT = 3000           // ms that a click stands before what the page says stands again
const states = new WeakMap()

function writtenWords(it, parent) {
  const list = make("div", "written", parent)
  list.setAttribute("role", "group")
  list.setAttribute("aria-label", it.data.titles[0])
  it.words = it.data.rows.map((word, l) => {
    const button = makeButton("word", list, word, () => choose(it, l))
    button.title = `${word}: how was it made?`
    button.onkeydown = (event) => {
      const next = it.words[l + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0)]
      if (!next || next === button) return
      event.preventDefault()
      next.focus()
      next.click()
    }
    return button
  })
}

function sourceWords(it, parent) {
  const list = make("div", "sources", parent)
  it.sources = it.data.columns.map((word, m) => {
    const row = make("div", "source", list)
    make("span", "word", row, word).title = word
    const parts = ["weight", "share"].map((name) => {
      const box = make("span", `bar ${name}`, row), fill = make("i", "", box)
      const button = createButton("number", "", () => {
        markOpened(it.root, ".number", button)
        it.send("cell", [it.chosen, m, name])
      })
      button.dataset.name = name
      row.append(button)
      return { name, fill, button }
    })
    return { row, parts, m }
  })
}

function drawLines(it, parent) {
  const svg = document.createElementNS(SVG, "svg"), height = ROW * Math.max(it.data.rows.length, it.data.columns.length)
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${height}`)
  svg.setAttribute("preserveAspectRatio", "none")
  svg.setAttribute("aria-hidden", "true")
  svg.style.height = `${height}px`
  it.lines = linesOf(it.numbers.weight, it.data.shape, it.data.row).map((each) => {
    const line = document.createElementNS(SVG, "path")
    line.setAttribute("d", each.path)
    line.setAttribute("stroke-width", thickness(each.weight))
    line.setAttribute("vector-effect", "non-scaling-stroke")
    const said = document.createElementNS(SVG, "title")
    said.textContent = `${it.data.rows[each.l]} ← ${it.data.columns[each.m]}: ${rounded(each.weight)}`
    line.append(said)
    svg.append(line)
    return { ...each, line }
  })
  parent.append(svg)
}

function build(it) {
  const { root, data } = it, titles = create("div", "titles"), body = create("div", "body")
  data.titles.forEach((title, i) => make("span", ["left", "right", "weight", "share"][i], titles, title))
  root.replaceChildren(titles, body)
  root.style.setProperty("--row", `${ROW}px`)
  writtenWords(it, body)
  drawLines(it, body)
  sourceWords(it, body)
}

// A share in few letters; of what is nearly nothing the sign does not matter.
const shown = (share) => (Math.abs(share) < 0.0005 ? "≈0%" : percent(share))

// The lines and the numbers of one written word.
function show(it) {
  const { chosen, data } = it, known = data.row === null || data.row === chosen
  it.words.forEach((button, l) => {
    button.setAttribute("aria-pressed", String(l === chosen))
    button.tabIndex = l === chosen ? 0 : -1
  })
  for (const each of it.lines) {
    each.line.style.strokeOpacity = strengthOf(each, chosen)
    if (each.l === chosen) each.line.parentNode.append(each.line)
  }
  const most = known ? Math.max(...it.sources.map(({ m }) => it.numbers.weight[offset(data, chosen, m)])) : NaN
  for (const { row, parts, m } of it.sources) {
    row.classList.toggle("most", known && it.numbers.weight[offset(data, chosen, m)] === most)
    for (const { name, fill, button } of parts) {
      const value = known ? it.numbers[name][offset(data, chosen, m)] : NaN
      fill.style.width = `${lengthOf(value)}%`
      fill.classList.toggle("negative", value < 0)
      button.textContent = known ? shown(value) : "…"
      button.title = known ? rounded(value) : ""
      button.classList.toggle("opened", data.opened?.join() === [chosen, m, name].join())
    }
  }
}

function choose(it, l, send = true) {
  if (it.chosen === l || !it.words[l]) return
  it.clicked = { value: l, until: performance.now() + WAIT }
  it.chosen = l
  show(it)
  if (!send) return
  announce("token", { side: "decoder", token: l })
  it.send("token", [l])
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), it = states.get(root) ?? { root }, what = JSON.stringify([data.values, data.rows, data.columns, data.row])
  states.set(root, it)
  const waits = it.clicked && it.clicked.value !== data.chosen && performance.now() < it.clicked.until
  it.send = setTriggerValue
  it.data = data
  it.chosen = waits ? it.clicked.value : data.chosen
  if (!waits) it.clicked = null
  if (it.what !== what) {
    const held = it.words?.indexOf(root.getRootNode().activeElement) ?? -1
    const numbers = decode(data.values), half = numbers.length / 2
    it.numbers = { weight: numbers.subarray(0, half), share: numbers.subarray(half) }
    it.what = what
    build(it)
    if (held >= 0) it.words[it.chosen]?.focus({ preventScroll: true })
  }
  show(it)
  saveElements(root, { title: root.getAttribute("aria-label"), arrays: () => ofAlignment(data, it.numbers) })
  it.silence ??= listen(({ name, value }) => { if (name === "token" && value.side === "decoder") choose(it, value.token, false) })
  return it.silence
}
