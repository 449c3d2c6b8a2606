// The elements around a heatmap's canvas: its header, its box, its tip. They are built once and changed as little as can be.
import { make, makeButton, set } from "./dom.js"
import { saveMenu } from "./saving.js"

export function build(root) {
  root.replaceChildren()
  const parts = { root, level: 0 }
  buildHeader(parts)
  const body = make("div", "body", root)
  parts.labels = make("canvas", "labels", body)
  parts.scroll = make("div", "scroll", body)
  parts.stage = make("div", "stage", parts.scroll)
  parts.canvas = make("canvas", "picture", parts.stage)
  parts.canvas.tabIndex = 0
  parts.canvas.setAttribute("role", "application")
  parts.cursor = make("div", "cursor", parts.stage)
  root.append(root.querySelector(".tools"))                  // below the map, so that Tab comes to the map first
  parts.table = make("div", "table", root)
  parts.tip = make("div", "tip", root)
  parts.spoken = make("div", "spoken", root)
  parts.spoken.setAttribute("aria-live", "polite")
  parts.cursor.hidden = parts.tip.hidden = parts.table.hidden = true
  parts.watch = new ResizeObserver(() => {
    if (parts.width === root.clientWidth) return
    parts.width = root.clientWidth
    parts.draw()
  })
  parts.watch.observe(root)
  return parts
}

function buildHeader(parts) {
  const header = make("header", "", parts.root)
  parts.title = make("div", "title", header)
  parts.axes = make("div", "axes", header)
  parts.legend = make("div", "legend", header)
  const tools = make("div", "tools", header)
  const tool = (text, label) => {
    const button = makeButton("tool", tools, text)
    if (label) button.setAttribute("aria-label", button.title = label)
    return button
  }
  parts.out = tool("−", "Zoom out")
  parts.in = tool("+", "Zoom in")
  parts.asTable = tool("As a table")
  saveMenu(tools, () => parts.picture())
}

export function describe(parts, data) {
  set(parts.title, "textContent", data.labelled ? data.titles[0] : "")
  parts.title.style.setProperty("--kind", data.colour || "transparent")
  parts.title.classList.toggle("kind", Boolean(data.colour))
  set(parts.title, "hidden", !data.labelled || !data.titles[0])
  const still = Boolean(data.folded)
  for (const tool of [parts.in, parts.out]) set(tool, "hidden", still)
  set(parts.canvas, "ariaLabel", data.alt + (still ? "" : " Plus and minus zoom."))
}
