// Which arrays a picture shows: of each component that draws numbers, from the data that it draws. An array: as in array_files.js. Its name is
// that of its step, with the index of what is fixed in it, as `trace["decoder.3.attn.pattern"][4]`; else a few words. No element is touched.
import { decode } from "./numbers.js"

// An axis, and labels that are counted.
const axis = (title, labels) => ({ title, labels: labels.map(String) })
const counted = (title, count) => axis(title, [...Array(count).keys()])

// A table, in which no number may be missing but as NaN: of float32 as it came, or of numbers that came as text.
const array = (name, axes, values) => ({ name, axes, shape: axes.map(({ labels }) => labels.length), values })
const doubles = (rows) => Float64Array.from(rows.flat(), (x) => x ?? NaN)

// A step with an index: `trace[step][index]`.
export const indexed = (step, index = []) => (index.length ? `${step}[${index.join(", ")}]` : step)

// --- maps and lines ------------------------------------------------------------------------------------------------

export function ofHeatmap({ shape: [panels, rows, columns], numbers, folded, foldedAs, labelled, titles, step, ...data }) {
  const down = axis(data.rowsTitle || "row", data.rows), across = axis(data.columnsTitle || "column", data.columns)
  if (folded) return [array(step || "vector", [counted(foldedAs, folded)], numbers.slice(0, folded))]
  if (labelled && panels === 1) return [array(step || "map", [down, across], numbers.slice(0, rows * columns))]
  return [array(step || "maps", [axis("map", titles), down, across], numbers)]
}

export function ofLines({ shape: [heads], numbers, rows, columns, titles, ends, step }) {
  const axes = [axis(ends[0], rows), axis(ends[1], columns)]
  return [array(step || "weights", heads > 1 ? [axis("head", titles), ...axes] : axes, numbers)]
}

export function ofCompare({ weights, changes, rows, columns, titles }) {
  const named = (names) => names.map(({ one, other }) => (one === other ? one : `${one || "–"} → ${other || "–"}`)), axes = [axis("looks", named(rows)), axis("is looked at", named(columns))]
  return [array("weights", [axis("run", titles.slice(0, 2)), ...axes], weights), array("difference", axes, changes)]
}

export function ofAlignment({ rows, columns, row, titles, steps }, { weight, share }) {
  const axes = [axis(titles[0], row === null ? rows : [rows[row]]), axis(titles[1], columns)], of = (step) => (row === null ? step : `${step.slice(0, -1)}, ${row}:${row + 1}]`)
  return [weight, share].map((values, i) => array(of(steps[i]), axes, values))
}

// --- vectors -------------------------------------------------------------------------------------------------------

export function ofVectors({ rows, shape, numbers, sizes, columns }) {
  const titles = axis("vector", rows.map(({ title, step }) => (step ? `${title}: ${step}` : title)))
  return [array("vectors", [titles, counted("dimension", shape[1])], numbers), array("lengths", [titles], sizes)]
}

export const ofPieces = ({ at, tokens, shape, numbers, step }) => [array(step || "rows", [axis("token", at.map((i) => tokens[i].name)), counted("dimension", shape[1])], numbers)]

export function ofNeurons({ rows, titles, numbers, update, length, steps }) {
  const axes = [axis("neuron", rows.map(({ neuron }) => neuron)), axis("number", [titles.before, titles.after, titles.reach])]
  return [array("neurons", axes, numbers), array(steps[0], [counted("dimension", update.length)], update), array(steps[1], [axis("vector", ["update"])], length)]
}

export function ofFiring({ lines, own, step }, numbers) {
  let at = 0
  return lines.map(({ words, title }, i) => array(step || title || `sentence ${i}`, [axis("token", words)], numbers.slice(at, at += words.length)))
}

// What the pipeline is drawn from: the numbers of the layer, as far as they are in the browser; of a head alone if only that is there.
export function ofLayer({ arrays, numbers, head, row }, { looks, words }) {
  const labelled = (letter, size) => {
    if (letter === "L") return axis("looks", size === looks.length ? looks : [looks[row]])
    if (letter === "M") return axis("is looked at", words)
    if (letter === "H" || letter === "G") return axis(letter === "H" ? "head" : "keys and values", head === null ? [...Array(size).keys()] : [`of head ${head}`])
    return counted("dimension", size)
  }
  return Object.values(arrays).map(({ at, shape, step, axes }) =>
    array(step, [...axes].map((letter, i) => labelled(letter, shape[i])), numbers.slice(at, at + shape.reduce((all, size) => all * size, 1))))
}

// The strips of the overview, its maps, and its words. Of a step that is too wide each number stands for a block: then it says which
// dimension it is.
export function ofOverview({ strips, maps, tokens, output }) {
  const named = (side) => axis("token", tokens[side].labels.map((label, i) => `${label} (${tokens[side].at[i]})`)), found = []
  for (const [step, { single, tokens: side, index, block, size, cells, numbers, places }] of Object.entries(strips)) {
    const rows = single ? axis("vector", ["whole text"]) : named(side), from = (cell) => cell * block
    const columns = axis("dimension", Array.from({ length: cells }, (_, cell) => (block > 1 ? `${from(cell)}–${Math.min(from(cell) + block, size) - 1}` : cell)))
    found.push(array(indexed(step, index), [rows, columns], numbers))
    if (block > 1) found.push(array(`dimensions of ${indexed(step, index)}`, [rows, columns], Int32Array.from(places, (at, i) => from(i % cells) + at)))
  }
  for (const [step, { tokens: side, columns, index, numbers }] of Object.entries(maps)) found.push(array(indexed(step, index), [named(side), named(columns)], numbers))
  const { words } = output, ran = words.some(({ before }) => before != null)
  if (words.length) found.push(array("words", [axis("word", words.map(({ word }) => word)), axis("probability", ran ? ["now", "before"] : ["now"])], doubles(words.map(({ share, before }) => (ran ? [share, before] : [share])))))
  return found
}

// --- tables --------------------------------------------------------------------------------------------------------

export function ofTable({ rows, foot, columns, numbers, corner }) {
  return [array("table", [axis(corner, foot ? [...rows, foot.title] : rows), axis("column", columns)], numbers)]
}

export function ofHeadRoles({ shape: [, layers, heads], texts, roles, numbers }) {
  return [array("roles", [axis("text", texts), counted("layer", layers), counted("head", heads), axis("role", roles)], numbers)]
}

export const ofHeadShares = ({ rows, numbers }) => [array("shares", [axis("part", rows), axis("column", ["length", "share"])], numbers)]

export const ofLayerSteps = ({ rows, columns, numbers }) => [array("layers", [axis("layer", rows), axis("column", columns.map(({ title }) => title))], numbers)]

export const ofSlope = ({ words, ends }, values) => [array("probabilities", [axis("run", ends), axis("word", words)], values)]

// A row for each word that is there, of each place and model.
export function ofGuesses({ words, titles, places, bars, shape, numbers }) {
  const labels = [], rows = []
  words.forEach((models, p) => models.forEach((list, g) => list.forEach((word, w) => {
    if (word === "") return
    labels.push([places?.[p], titles.length > 1 && titles[g], word].filter(Boolean).join(" · "))
    const at = ((p * shape[1] + g) * shape[2] + w) * shape[3]
    rows.push(...numbers.subarray(at, at + shape[3]))
  })))
  return [array("probabilities", [axis("word", labels), axis("column", bars)], Float32Array.from(rows))]
}

export const ofClocks = ({ pairs, tokens }) => [array("degrees", [axis("pair", pairs.map(({ pair }) => pair)), axis("position", tokens.map(({ text, position }) => `${position} ${text}`))],
  doubles(pairs.map(({ degrees }) => degrees)))]

export function ofTagged({ tokens }) {
  const tags = tokens.flatMap(({ text, tags }, i) => tags.map(({ text: tag, share }) => [`${i} ${text}: ${tag}`, share]))
  return [array("shares", [axis("label of a token", tags.map(([label]) => label))], doubles(tags.map(([, share]) => share)))]
}

export const ofStretches = ({ parts }) => [array("shares", [axis("part", parts.map(({ title }) => title))], doubles(parts.map(({ share }) => share)))]

// What was measured over a training, and what the model made of the text at each of its stages.
export function ofOverTime({ curves, names, columns, guesses, shares, step }, numbers) {
  const stages = axis("stage", names), words = axis("stage: word", names.flatMap((name, n) => guesses[n].map((word) => `${name}: ${word}`)))
  const found = [array(step, [stages, axis("looks", columns), axis("is looked at", columns)], numbers), array("probabilities", [words], doubles(shares))]
  const line = ({ name, values, steps = curves.steps }) => array(name, [axis("steps of training", steps.slice(0, values.length))], doubles(values))
  return curves ? [...found, line({ name: "loss", values: curves.loss }), ...curves.lines.map(line)] : found
}

// --- why a word ----------------------------------------------------------------------------------------------------

export const ofParts = ({ cells, numbers }) => [array("parts", [axis("part", cells.map(({ name }) => name))], numbers)]

export function ofTrail({ nodes, edges, tokens, numbers }) {
  const named = nodes.map(({ name, row }) => `${name} · ${tokens[row]}`), ways = edges.map(([giver, taker]) => `${named[giver]} → ${named[taker]}`)
  return [array("nodes", [axis("part", named)], numbers.slice(0, nodes.length)), array("edges", [axis("from → to", ways)], numbers.slice(nodes.length))]
}

export function ofLens({ rows, likeliest, asked, ranks, numbers, across }) {
  const top = likeliest[0].length, layers = axis("after", rows), words = axis("word", asked), best = [], wanted = []
  rows.forEach((_, n) => {
    best.push(...numbers.subarray(n * across, n * across + top))
    wanted.push(...numbers.subarray(n * across + top, (n + 1) * across))
  })
  const named = axis("layer: word", rows.flatMap((row, n) => likeliest[n].map((word) => `${row}: ${word}`)))
  return [array("probabilities", [layers, words], Float32Array.from(wanted)), array("likeliest", [named], Float32Array.from(best)),
    array("ranks", [layers, words], Int32Array.from(ranks.flat(), (rank) => Number(rank.replaceAll(",", ""))))]
}

export const ofSaliency = ({ named, columns, numbers }) => [array("given", [axis("token", named), axis("measure", columns)], numbers)]

export function ofWayBack({ rows, words, right, numbers }) {
  return [array("gradient lengths", [axis("vector", rows), axis("token", words)], numbers),
    array("losses", [axis("word", right.map(({ word }) => word)), axis("column", ["loss, nats", "probability"])], doubles(right.map(({ loss, share }) => [loss, share])))]
}

export function ofBeams({ branches, start }) {
  const path = (i) => (i === null ? start : `${path(branches[i].parent)} ${branches[i].word}`)
  return [array("branches", [axis("text", branches.map((_, i) => path(i))), axis("column", ["probability", "sum of the logarithms"])], doubles(branches.map(({ share, total }) => [share, total])))]
}

// --- charts of Plotly's --------------------------------------------------------------------------------------------

const plain = (text) => new DOMParser().parseFromString(String(text ?? "").replaceAll("<br>", " "), "text/html").body.textContent.replace(/\s+/g, " ").trim()
const titleOf = (part, name) => plain(part?.title?.text) || name

// bars: { labels, values, step }, where the page sent them: what is written beside a bar is cut. Of any other chart its points, as they are drawn.
export function ofChart({ _fullData: traces, _fullLayout: layout }, { labels, values, step }, title) {
  const seen = traces.filter(({ marker, mode, visible }) => visible !== false && !(mode === "markers" && marker?.opacity === 0)), bars = seen.find(({ type }) => type === "bar")
  if (bars && seen.length === 1) {
    const drawn = bars.orientation === "h" ? bars.x : bars.y
    return [array(step || title, [labels ? axis("name", labels) : counted("place", drawn.length)], values ? decode(values) : Float32Array.from(drawn))]
  }
  return seen.filter(({ x }) => x?.length).map((trace, i) => pointsOf(trace, layout, /^trace \d+$/.test(trace.name) ? `points ${i + 1}` : trace.name))
}

function pointsOf(trace, layout, name) {
  const { x, y, z, hovertext, text } = trace, told = [hovertext, text].find(Array.isArray) ?? [], scene = layout.scene ?? layout
  const columns = [titleOf(layout.xaxis ?? scene.xaxis, "x"), titleOf(layout.yaxis ?? scene.yaxis, "y"), ...(z ? ["z"] : [])]
  const rows = Array.from(x, (_, i) => [x[i], y[i], ...(z ? [z[i]] : [])].map(Number))
  return array(name, [axis("point", rows.map((_, i) => plain(told[i]) || String(i))), axis("direction", columns)], doubles(rows))
}
