// What the components share; put before each of their scripts.
const SVG = "http://www.w3.org/2000/svg"

const make = (tag, className, parent, text) => {
  const element = document.createElement(tag)
  element.className = className
  if (text !== undefined) element.textContent = text
  parent.append(element)
  return element
}

const clamp = (x, low, high) => Math.min(Math.max(x, low), high)
const shorten = (text, size) => (text.length > size ? text.slice(0, size - 1) + "…" : text)

// A number as `number` in core/text.py writes it, and a share as `percent` does:
// tests/spellings.json holds both to it.
const rounded = (x, digits = 5) => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : x > 0 ? "∞" : "−∞"
  const near = Number(x.toPrecision(digits))
  const [mantissa, power] = x.toExponential(digits - 1).split("e")
  if (Math.abs(near) === 1 && near !== x && digits < 5) return rounded(x, digits + 1)
  const text = power < -6 || power >= 16 ? `${Number(mantissa)}e${power}` : String(near)
  return text.replaceAll("-", "−")
}
const percent = (share, digits = 1) => {
  const step = 10 ** -digits, near = (share * 100).toFixed(digits)
  if (!Number.isFinite(share)) return rounded(share)
  if (Number(near) === 0) return share === 0 ? "0%" : share > 0 ? `<${step}%` : `>−${step}%`
  if (Number(near) === 100) return share >= 1 ? "100%" : `>${100 - step}%`
  return `${near}%`.replace("-", "−")
}

// The theme's own scale, "diverging" or "sequential": its stops, and between them 256 colours, as bytes and as whole pixels.
const ramps = new Map()

const palette = (look, kind) => {
  const text = look.getPropertyValue(`--st-chart-${kind}-colors`), known = ramps.get(text)
  if (known) return known
  const stops = text.split(",").map((colour) => colour.trim())
  const brush = document.createElement("canvas").getContext("2d"), ramp = brush.createLinearGradient(0, 0, 255, 0)
  stops.forEach((colour, i) => ramp.addColorStop(i / (stops.length - 1), colour))
  brush.fillStyle = ramp
  brush.fillRect(0, 0, 256, 1)
  const { data: colours } = brush.getImageData(0, 0, 256, 1)
  const made = { stops, colours, pixels: new Uint32Array(colours.buffer) }
  ramps.set(text, made)
  return made
}

const download = (canvas) => {
  const link = document.createElement("a")
  link.href = canvas.toDataURL("image/png")
  link.download = "glassformer.png"
  link.click()
}

// A plain loop: with a callback for each letter, half a megabyte takes 50 ms.
const bytes = (text) => {
  const letters = atob(text), found = new Uint8Array(letters.length)
  for (let i = 0; i < letters.length; i++) found[i] = letters.charCodeAt(i)
  return found
}
const decode = (text) => new Float32Array(bytes(text).buffer)
