// The button below a chart of Plotly's. Streamlit draws the chart: it is found by its key when it is to be saved, and taken as it stands,
// with a caption like that of every picture.
import { themeOf } from "./colours.js"
import { make } from "./dom.js"
import { saveMenu } from "./saving.js"
import { ofChart } from "./shown_arrays.js"
import { node } from "./svg_brush.js"

const UNSEEN = ".draglayer, .hoverlayer, .menulayer"
const keyOf = (key) => key.trim().replace(/[^a-zA-Z0-9_-]/g, "-")          // as Streamlit writes it

// The layers of a chart as one SVG, without what only listens to the pointer.
function drawn(chart) {
  const layers = [...chart.querySelectorAll(".main-svg")].map((layer) => layer.cloneNode(true)), [first] = layers
  for (const layer of layers) {
    layer.querySelectorAll(UNSEEN).forEach((each) => each.remove())
    layer.querySelectorAll("[style]").forEach((each) => { if (each.style.opacity === "0") each.remove() })
    layer.removeAttribute("style")
    layer.removeAttribute("class")
    if (layer !== first) first.append(...layer.childNodes)
  }
  first.prepend(...inSpace(chart))
  return first
}

// What a chart shows in three dimensions is no SVG: a picture of it as it is turned now.
function inSpace({ _fullLayout: whole }) {
  const { l, t, w, h } = whole._size
  return (whole._subplots.gl3d ?? []).map((name) => {
    const { domain: { x, y }, _scene: scene } = whole[name]
    return node("image", { x: l + w * x[0], y: t + h * (1 - y[1]), width: w * (x[1] - x[0]), height: h * (y[1] - y[0]), href: scene.toImage("png"), preserveAspectRatio: "none" })
  })
}

// An SVG as a picture that a canvas can draw.
async function pixels(svg) {
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`
  await image.decode()
  return image
}

async function picture(root, { chart: key, title, ...bars }) {
  const chart = root.ownerDocument.querySelector(`.st-key-${CSS.escape(keyOf(key))} .js-plotly-plot`), svg = drawn(chart)
  const [wide, tall] = ["width", "height"].map((name) => Number(svg.getAttribute(name))), image = await pixels(svg)
  return { wide, tall, title, titled: true, style: themeOf(getComputedStyle(root)), arrays: () => ofChart(chart, bars, title),
    paint: (brush) => (brush.element ? brush.place(svg) : brush.drawImage(image, 0, 0, wide, tall)) }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root")
  root.replaceChildren()
  saveMenu(make("div", "saving", root), () => picture(root, data), () => data.points !== false)
}
