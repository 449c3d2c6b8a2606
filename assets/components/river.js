// The whole model on one sentence, drawn on one canvas: strips of its real numbers, and the flows between them. What can be clicked
// is a button over the canvas. Where things stand is laid out in riverbed.js.
const memory = new WeakMap()
const GREY = [128, 128, 128, 50]
// What the colours of the frames stand for.
const KINDS = [["embed", "embedding"], ["residual", "stream"], ["q", "q"], ["k", "k"], ["v", "v"], ["weight", "attention"],
  ["mlp", "feed-forward"], ["norm", "norm"], ["head", "output"]]

// --- drawing --------------------------------------------------------------------------------------------------------------------

// The numbers as a small picture, one point for each.
function shaded(rows, columns, colourOf) {
  const small = document.createElement("canvas"), picture = new ImageData(columns, rows)
  for (let i = 0; i < rows * columns; i++) picture.data.set(colourOf(i), 4 * i)
  small.width = columns
  small.height = rows
  small.getContext("2d").putImageData(picture, 0, 0)
  return small
}

const place = (colours, share) => { const at = 4 * clamp(Math.round(share * 255), 0, 255); return colours.subarray(at, at + 4) }

function flowOn(brush, style, { from, to, kind, into, chosen, strength = 1, bend, fade }) {
  from.forEach((start, i) => {
    const end = to[i]
    const [ax, ay, bx, by, dx, dy] = start, [cx, cy, ex, ey, gx, gy] = end
    const reach = ([x, y], [u, v], p, q) => bend ?? Math.max(6, Math.abs((u - x) * p + (v - y) * q) * 0.55)
    const ramp = brush.createLinearGradient(ax, ay, cx, cy), alpha = Math.round((i === chosen ? 0.62 : style.dark ? 0.26 : 0.2) * strength * 255)
    const hex = alpha.toString(16).padStart(2, "0")
    ramp.addColorStop(0, style.kinds[kind] + (fade === "in" ? "00" : hex))
    ramp.addColorStop(1, style.kinds[into] + (fade === "out" ? "00" : hex))
    brush.fillStyle = ramp
    const curve = (x, y, p, q, u, v, g, h) => {
      const a = reach([x, y], [u, v], p, q), b = reach([x, y], [u, v], g, h)
      brush.bezierCurveTo(x + p * a, y + q * a, u - g * b, v - h * b, u, v)
    }
    const inset = from.length > 1 ? 0.02 : 0
    const mix = (p, q, part) => p + (q - p) * part
    const [a1, a2, b1, b2] = [mix(ax, bx, inset), mix(ay, by, inset), mix(bx, ax, inset), mix(by, ay, inset)]
    const [c1, c2, e1, e2] = [mix(cx, ex, inset), mix(cy, ey, inset), mix(ex, cx, inset), mix(ey, cy, inset)]
    brush.beginPath()
    brush.moveTo(a1, a2)
    curve(a1, a2, dx, dy, c1, c2, gx, gy)
    brush.lineTo(e1, e2)
    curve(e1, e2, -gx, -gy, b1, b2, -dx, -dy)
    brush.fill()
  })
}

function stripOn(brush, style, { part, x, y, w, h, rows, upright, chosenLayer, bare }) {
  const n = rows.at.length, cells = part.numbers.length / n
  const at = (i) => place(style.signed.colours, (part.numbers[upright ? (i % n) * cells + Math.floor(i / n) : i] / part.limit + 1) / 2)
  const small = upright ? shaded(cells, n, at) : shaded(n, cells, at)
  const gap = rows.size > 5 ? 1 : 0.4
  brush.imageSmoothingEnabled = false
  brush.fillStyle = style.page
  brush.fillRect(x, y, w, h)
  rows.at.forEach((from, i) => upright ? brush.drawImage(small, i, 0, 1, cells, x + from + gap / 2, y, rows.size - gap, h)
    : brush.drawImage(small, 0, i, cells, 1, x, y + from + gap / 2, w, rows.size - gap))
  outline(brush, chosenLayer ? style.accent : style.kinds[part.kind], x, y, w, h, chosenLayer ? 2.5 : 1.25)
  if (part.groups > 1) {
    brush.fillStyle = style.page
    for (let g = 1; g < part.groups; g++) brush.fillRect(x + w * g / part.groups - 0.4, y, 0.8, h)
    outline(brush, style.text, x + w * part.chosen / part.groups, y, w / part.groups, h, 1.5)
  }
  if (rows.chosen != null && !bare && h > 30) mark(brush, style, upright ? { x: x + rows.at[rows.chosen], y, w: rows.size, h }
    : { x, y: y + rows.at[rows.chosen], w, h: rows.size })
}

// The number that is explained: framed dark within light, so that it is seen on any colour.
function openedOn(brush, { type, part, x, y, w, h, rows, columns, upright }, [, row, cell]) {
  const cells = part.numbers.length / rows.at.length
  const [left, top, wide, tall] = type === "map" ? [x + columns.at[cell], y + rows.at[row], columns.size, rows.size]
    : upright ? [x + rows.at[row], y + h * cell / cells, rows.size, h / cells] : [x + w * cell / cells, y + rows.at[row], w / cells, rows.size]
  for (const [colour, width] of [["#ffffff", 4], ["#14181f", 2]]) {
    brush.strokeStyle = colour
    brush.lineWidth = width
    brush.strokeRect(left - 1, top - 1, wide + 2, tall + 2)
  }
}

function outline(brush, colour, x, y, w, h, width) {
  brush.strokeStyle = colour
  brush.lineWidth = width
  brush.beginPath()
  brush.roundRect(x - 1.5, y - 1.5, w + 3, h + 3, 3)
  brush.stroke()
}

function mark(brush, style, { x, y, w, h }) {
  brush.strokeStyle = style.text
  brush.lineWidth = 1
  brush.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1)
}

function mapOn(brush, style, data, { part, x, y, w, h, rows, columns, row, mask, thumb }) {
  const [R, C] = part.shown, hidden = mask && data.maps[mask].numbers, signed = part.scale === "signed"
  const small = shaded(R, C, (i) => {
    const value = part.numbers[i]
    if (part.scale === "mask") return value ? place(style.sequential.colours, 0.6) : GREY
    if (hidden && !hidden[i]) return GREY
    return signed ? place(style.signed.colours, (value / part.limit + 1) / 2) : place(style.sequential.colours, value / part.limit)
  })
  brush.imageSmoothingEnabled = false
  brush.fillStyle = style.page
  brush.fillRect(x, y, w, h)
  const gap = thumb ? 0 : 0.8
  rows.at.forEach((down, r) => columns.at.forEach((right, c) =>
    brush.drawImage(small, c, r, 1, 1, x + right, y + down, columns.size - gap, rows.size - gap)))
  outline(brush, thumb ? style.line : style.kinds.weight, x, y, w, h, thumb ? 1 : 2)
  if (row != null) mark(brush, style, { x, y: y + rows.at[row], w, h: rows.size })
}

function signOn(brush, style, item) {
  const { x, y, w, h, kind } = item
  if (item.type === "norm") {
    brush.fillStyle = style.kinds.norm
    brush.beginPath()
    brush.roundRect(x, y, w, h, 5)
    brush.fill()
  } else if (item.type === "plus" || item.type === "curve") {
    brush.fillStyle = style.page
    brush.strokeStyle = style.kinds[kind]
    brush.lineWidth = 2
    brush.beginPath()
    brush.arc(x + w / 2, y + h / 2, w / 2 - 1, 0, 7)
    brush.fill()
    brush.stroke()
    const middle = { x: x + w / 2, y: y + h / 2 + 0.5, size: 15, bold: true, align: "center", plain: true }
    if (item.type === "plus") return write(brush, style, { words: item.mark, ...middle })
    brush.beginPath()
    brush.moveTo(x + 4, y + h / 2 + 3)
    brush.quadraticCurveTo(x + w / 2 + 1, y + h / 2 + 4, x + w - 5, y + 5)
    brush.stroke()
  } else if (item.type === "bar") {
    const long = Math.max(1.5, (w - 96) * item.share), top = y + (h - item.tall) / 2, bold = item.share === 1
    brush.fillStyle = style.kinds.head
    brush.beginPath()
    brush.roundRect(x, top, long, item.tall, 2)
    brush.fill()
    const wide = write(brush, style, { words: shorten(item.word.word, 9), x: x + long + 5, y: y + h / 2, size: 12, align: "left", bold })
    write(brush, style, { words: percent(item.word.share, item.word.share >= 0.0995 ? 0 : 1), x: x + long + 11 + wide, y: y + h / 2, size: 10, align: "left", soft: true })
  }
}

function write(brush, style, { words, x, y, size, align, bold, soft, accent, angle, plain, plate }) {
  brush.save()
  brush.translate(x, y)
  if (angle) brush.rotate(angle)
  Object.assign(brush, { font: `${bold ? 650 : 400} ${size}px ${style.font}`, textAlign: align, textBaseline: "middle", lineJoin: "round",
    strokeStyle: style.page, lineWidth: 3, fillStyle: accent ? style.accent : style.text, globalAlpha: soft ? 0.8 : 1 })
  const wide = brush.measureText(words).width
  if (plate) {                          // the words stand on a flow that is not theirs
    brush.fillStyle = style.page
    brush.beginPath()
    brush.roundRect(-wide / 2 - 3, -size * 0.7, wide + 6, size * 1.4, 3)
    brush.fill()
    brush.fillStyle = style.text
  }
  if (!plain) brush.strokeText(words, 0, 0)
  brush.fillText(words, 0, 0)
  brush.restore()
  return wide
}

// The opened layer lies under a lens: from its thumbnail two lines widen to the frame.
function frameOn(brush, style, { x, y, w, h, thumb }) {
  brush.fillStyle = style.accent + (style.dark ? "12" : "0b")
  brush.beginPath()
  brush.roundRect(x, y, w, h, 14)
  brush.fill()
  const ramp = brush.createLinearGradient(0, thumb.y + thumb.h, 0, y)
  ramp.addColorStop(0, style.accent + "38")
  ramp.addColorStop(1, style.accent + (style.dark ? "12" : "0b"))
  brush.fillStyle = ramp
  brush.beginPath()
  brush.moveTo(thumb.x - 2, thumb.y + thumb.h + 2)
  brush.bezierCurveTo(thumb.x - 2, y - 4, x + 14, y - 14, x + 14, y)
  brush.lineTo(x + w - 14, y)
  brush.bezierCurveTo(x + w - 14, y - 14, thumb.x + thumb.w + 2, y - 4, thumb.x + thumb.w + 2, thumb.y + thumb.h + 2)
  brush.fill()
}

function draw(parts, data) {
  const { root, canvas } = parts, look = getComputedStyle(root), colour = (name) => look.getPropertyValue(`--st-${name}-color`).trim()
  parts.width = root.clientWidth
  if (!parts.width) return
  const page = colour("background"), dark = parseInt(page.slice(1, 3), 16) < 128
  const style = { page, dark, text: colour("text"), accent: colour("primary"), line: colour("border"), font: look.fontFamily, kinds: data.colours,
    signed: palette(look, "diverging"), sequential: palette(look, "sequential") }
  const s = (parts.sheet = layout(data, parts.width))
  const dense = Math.min(Math.max(window.devicePixelRatio || 1, 2), 8000 / Math.max(s.width, s.height))
  canvas.width = Math.round(s.width * dense)
  canvas.height = Math.round(s.height * dense)
  canvas.style.width = `${s.width}px`
  canvas.style.height = `${s.height}px`
  Object.assign(parts.glow, { width: s.width, height: s.height })
  const brush = canvas.getContext("2d")
  brush.scale(dense, dense)
  for (const frame of s.frames) frameOn(brush, style, frame)
  for (const each of s.flows) flowOn(brush, style, each)
  for (const item of s.items) {
    if (item.type === "strip") stripOn(brush, style, item)
    else if (item.type === "map") mapOn(brush, style, data, item)
    else signOn(brush, style, item)
  }
  for (const item of s.items) if (data.opened && item.key === data.opened[0]) openedOn(brush, item, data.opened)
  for (const each of s.texts) write(brush, style, each)
  parts.ramps.forEach((ramp, i) => { ramp.style.background = `linear-gradient(90deg, ${(i ? style.sequential : style.signed).stops})` })
}

// --- reading and choosing -------------------------------------------------------------------------------------------------------

const named = (data, part, i) => { const tokens = data.tokens[part.tokens]; return `“${tokens.labels[i]}” (${tokens.at[i]})` }
const nearest = (rows, at) => rows.at.findLastIndex((from) => from <= at)

// What stands under the pointer: a few lines, and the number in bold.
function read(data, item, x, y) {
  if (item.tip) return { lines: item.tip }
  const { part } = item, about = [`${part.about}${part.groups > 1 ? ", all heads side by side" : ""}`]
  const foot = [part.shape, item.key.replace("/all", "")]
  if (x === undefined) return { lines: about, foot }
  if (item.type === "map") {
    const r = Math.max(0, nearest(item.rows, y - item.y)), c = Math.max(0, nearest(item.columns, x - item.x))
    const value = part.numbers[r * part.shown[1] + c], hidden = item.mask && !data.maps[item.mask].numbers[r * part.shown[1] + c]
    const looked = data.tokens[part.columns]
    return { cell: [r, c], lines: [...about, `${named(data, part, r)} → “${looked.labels[c]}” (${looked.at[c]})`], foot,
      value: part.scale === "mask" ? (value ? "may look" : "blocked") : rounded(value, 5) + (hidden ? " (blocked)" : "") }
  }
  const n = item.rows.at.length, cells = part.numbers.length / n
  const row = item.single ? 0 : Math.max(0, nearest(item.rows, item.upright ? x - item.x : y - item.y))
  const cell = clamp(Math.floor((item.upright ? (y - item.y) / item.h : (x - item.x) / item.w) * cells), 0, cells - 1)
  const each = cells / part.groups, block = cell % each, from = block * part.block, to = Math.min(from + part.block, part.size) - 1
  const at = from + part.places[row * cells + cell]
  const of = part.of ?? "dimension"
  const where = from === to ? `${of} ${from}` : `${of}s ${from}–${to}, the largest of them: ${of} ${at}`
  const who = item.single ? [] : [named(data, part, row)]
  const head = part.groups > 1 ? [`head ${Math.floor(cell / each)}`] : part.index.length ? [`${part.set ?? "head"} ${part.index[0]}`] : []
  return { cell: [row, cell], lines: [...about, ...(item.go ? [item.go] : []), [...who, ...head].join(", "), where],
    value: rounded(part.numbers[row * cells + cell], 5), foot: [...foot, `full colour from ±${rounded(part.limit, 3)}`] }
}

function show(parts, data, item, x, y) {
  const { tip, stage, root } = parts
  tip.hidden = !item
  if (!item) return lightUp(parts, data, null)
  const { lines, value, foot, cell } = read(data, item, x, y)
  lightUp(parts, data, item, cell)
  tip.replaceChildren()
  make("strong", "", tip, lines[0])
  for (const line of lines.slice(1)) if (line) make("div", "", tip, line)
  if (value) make("b", "", tip, value)
  for (const line of foot ?? []) make("small", "", tip, line)
  const home = root.getBoundingClientRect(), at = stage.getBoundingClientRect()
  const px = at.left - home.left + (x ?? item.x + item.w / 2), above = at.top - home.top
  const top = above + (y ?? item.y), low = above + (y ?? item.y + item.h)
  tip.style.left = `${clamp(px - tip.offsetWidth / 2, 0, Math.max(0, parts.width - tip.offsetWidth))}px`
  tip.style.top = `${top > tip.offsetHeight + 16 ? top - tip.offsetHeight - 14 : low + 18}px`
}

// The token under the pointer lights up wherever its numbers stand.
function lightUp(parts, data, item, cell) {
  const { glow, sheet } = parts, brush = glow.getContext("2d")
  brush.clearRect(0, 0, glow.width, glow.height)
  const row = item?.type === "token" ? item.row : item?.single || !cell ? null : cell[0]
  if (row == null) return
  const side = item.side ?? item.part.tokens
  brush.strokeStyle = getComputedStyle(parts.root).getPropertyValue("--st-primary-color").trim()
  brush.lineWidth = 2
  const bar = (x, y, w, h) => brush.strokeRect(x - 1, y - 0.5, w + 2, h + 1)
  for (const { type, part, x, y, w, h, rows, columns, upright, single, thumb } of sheet.items) {
    if (single || thumb || !part) continue
    if (type === "strip" && part.tokens === side) upright ? bar(x + rows.at[row], y, rows.size, h) : bar(x, y + rows.at[row], w, rows.size)
    else if (type === "map" && part.tokens === side) bar(x, y + rows.at[row], w, rows.size)
  }
}

// A button over each item that leads somewhere.
function buttons(parts, data, choose, take) {
  const inside = (event) => { const home = parts.stage.getBoundingClientRect(); return [event.clientX - home.left, event.clientY - home.top] }
  // With Shift, or pressed long, the number itself opens; from the keyboard the chosen token's, in the middle of the strip.
  const apart = (item, event) => {
    const row = item.single ? 0 : item.rows?.chosen ?? 0, middle = item.rows && item.rows.at[row] + item.rows.size / 2
    const centre = item.upright ? [item.x + middle, item.y + item.h / 2] : [item.x + item.w / 2, item.y + middle]
    const at = event.clientX || event.clientY ? inside(event) : centre
    take([item.act, ...(read(data, item, ...at).cell ?? [0, 0])])
  }
  const focused = parts.stage.getRootNode().activeElement?.dataset?.act
  parts.over.replaceChildren()
  for (const item of parts.sheet.items) {
    if (!item.act || item.twin) continue
    const button = make("button", item.type, parts.over)
    const edge = item.type === "strip" || item.type === "map" ? 2 : 0
    const [left, top, width, height] = [item.x - edge, item.y - edge, item.w + 2 * edge, item.h + 2 * edge].map((size) => `${size}px`)
    Object.assign(button.style, { left, top, width, height })
    button.type = "button"
    button.dataset.act = item.act
    if (item.quiet) button.tabIndex = -1
    if (item.pressed !== undefined) button.setAttribute("aria-pressed", item.pressed)
    button.setAttribute("aria-label", read(data, item).lines.concat(item.go ?? []).join(", "))
    const opens = item.part && !item.act.startsWith("layer/") || item.word
    button.onclick = (event) => (event.shiftKey && opens ? apart(item, event) : choose(item.act))
    button.oncontextmenu = (event) => { if (opens) { event.preventDefault(); apart(item, event) } }
    button.onpointermove = (event) => show(parts, data, item, ...inside(event))
    button.onpointerleave = button.onblur = () => show(parts, data, null)
    button.onfocus = () => button.matches(":focus-visible") && show(parts, data, item)
  }
  if (focused) [...parts.over.children].find((each) => each.dataset.act === focused)?.focus({ preventScroll: true })
}

function save({ canvas, root }) {
  const whole = document.createElement("canvas")
  whole.width = canvas.width
  whole.height = canvas.height
  const brush = whole.getContext("2d")
  brush.fillStyle = getComputedStyle(root).getPropertyValue("--st-background-color")
  brush.fillRect(0, 0, whole.width, whole.height)
  brush.drawImage(canvas, 0, 0)
  download(whole)
}

function build(root) {
  root.replaceChildren()
  const parts = { root }, header = make("header", "", root)
  const legend = (left, right, words) => {
    const box = make("div", "legend", header)
    make("span", "", box, left)
    const ramp = make("i", "", box)
    make("span", "", box, right)
    make("em", "", box, words)
    return ramp
  }
  parts.ramps = [legend("−", "+", "numbers of vectors; ± under a strip: where its colours end"), legend("0", "most", "attention weights")]
  parts.key = make("div", "key", header)
  parts.save = make("button", "save", header, "Save picture")
  parts.save.type = "button"
  const scroll = make("div", "scroll", root)
  parts.stage = make("div", "stage", scroll)
  parts.canvas = make("canvas", "", parts.stage)
  parts.canvas.setAttribute("aria-hidden", "true")
  parts.glow = make("canvas", "glow", parts.stage)
  parts.glow.setAttribute("aria-hidden", "true")
  parts.over = make("div", "over", parts.stage)
  parts.over.setAttribute("role", "group")
  parts.tip = make("div", "tip", root)
  parts.tip.hidden = true
  parts.watch = new ResizeObserver(() => parts.width !== root.clientWidth && parts.redraw())
  parts.watch.observe(root)
  return parts
}

export default function ({ data: { parts: [data] }, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root), shown = { ...data }
  for (const part of Object.values(shown.strips))
    Object.assign(part, { numbers: decode(part.values), places: part.block > 256 ? new Uint16Array(bytes(part.at).buffer) : bytes(part.at) })
  for (const part of Object.values(shown.maps)) part.numbers = decode(part.values)
  parts.over.setAttribute("aria-label", data.alt)
  parts.key.replaceChildren()
  for (const [kind, words] of KINDS) make("span", "", parts.key, words).style.setProperty("--kind", data.colours[kind])
  parts.redraw = () => {
    draw(parts, shown)
    if (parts.sheet) buttons(parts, shown, (act) => setTriggerValue("act", act), (cell) => setTriggerValue("cell", cell))
  }
  parts.redraw()
  show(parts, shown, null)
  parts.save.onclick = () => save(parts)
  return () => { parts.watch.disconnect(); memory.delete(root) }
}
