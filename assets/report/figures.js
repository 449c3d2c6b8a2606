// What each figure of a report shows now, as its component takes it. A figure gives a list of parts: { key, draws, data, hears, caption }; hears:
// what becomes of a click, by the name of what it sends; caption: what stands over it. A part without data says in `lacks` what is not in this file.
import { rounded } from "../components/numbers.js"
import { base64, entryOf, facts, has, held, partOf } from "./file.js"
import { axisTitle, labelsAlong } from "./places.js"
import { riverOf } from "./river.js"

const USUAL = 0.998       // of the numbers of a map, those that its colours tell apart where a few others are far larger

const blocksOf = ({ side }) => (facts.crosses && side === "decoder" ? ["attn", "cross"] : ["attn"])
const BLOCKS = { attn: "The decoder looks at itself.", cross: "The decoder looks at the encoder." }
const captionOf = (block, state) => (blocksOf(state).length > 1 ? BLOCKS[block] : "")
const lacks = (key, { side, layer }) => ({ key, lacks: `The numbers of ${facts.crosses ? `the ${side}’s ` : ""}layer ${layer} are not in this file for this figure.` })

// Positions on the axis of a step: the chosen token, where that is one of those that stand there.
const chosenAlong = (name, axis, { side, token }) => {
  const { axes, sides, ofRows } = entryOf(name), letter = axes[axis]
  return "LM".includes(letter) && !ofRows && sides[letter] === side ? token : null
}

const openedIn = (name, index, { opened }) => {
  if (!opened || opened[0] !== name || index.some((i, axis) => i !== null && i !== opened[1][axis])) return null
  return opened[1].filter((_, axis) => index[axis] === null)
}

function endOf(numbers) {
  const sizes = Float32Array.from(numbers.filter(Number.isFinite), Math.abs).sort(), most = sizes.at(-1) || 1
  const usual = sizes.length ? sizes[Math.min(sizes.length - 1, Math.floor(USUAL * (sizes.length - 1)))] : most
  return usual > 0 && 2 * usual < most ? [usual, most] : [most, most]
}

function blocked(name) {
  const { mask } = entryOf(name)
  if (!mask || !has(mask)) return null
  const { numbers } = partOf(mask, [null, null])
  return numbers.every((each) => each) ? null : base64(Uint8Array.from(numbers, (each) => (each ? 0 : 1)))
}

// --- maps ---------------------------------------------------------------------------------------------------------------------------

// A step with the head that is looked at as a map.
function mapOf(name, title, state, ask) {
  const entry = entryOf(name), fixed = { H: state.head, G: Math.floor(state.head / facts.share) }
  const index = [...entry.axes].map((letter) => fixed[letter] ?? null), free = index.flatMap((at, axis) => (at === null ? [axis] : []))
  const { numbers, shape } = partOf(name, index), [limit, most] = entry.scale === "mask" ? [1, 1] : endOf(numbers)
  const head = entry.axes.includes("H") || entry.axes.includes("G") ? ` · head ${state.head}` : "", row = chosenAlong(name, free[0], state)
  const ends = limit < most ? `. Colours end at ${rounded(limit)}; a few numbers reach ${rounded(most)}` : "", opened = openedIn(name, index, state)
  const data = { values: base64(numbers), shape: [1, ...shape], kind: entry.scale, limit, blocked: blocked(name), titles: [`${title}${head}${ends}`],
    rows: labelsAlong(name, free[0]), columns: labelsAlong(name, free[1]), labelled: true, rowsTitle: axisTitle(name, free[0]),
    columnsTitle: axisTitle(name, free[1]), frame: row === null ? null : [row, null], opened: opened && [0, ...opened], folded: null,
    foldedAs: "dimension", colour: facts.colours[entry.colour], step: name, fills: false, alt: `${title}. Arrow keys move, Enter opens the number.` }
  const cell = ([, ...places]) => ask.open(name, index.map((at) => at ?? places.shift()))
  return { key: `map ${title} ${/attn|cross/.exec(name)?.[0]}`, draws: "heatmap", data, hears: { cell } }
}

function maps({ step, title }, state, ask) {
  const start = `${state.side}.${state.layer}`, blocks = /^(attn|cross|mlp)\./.test(step) ? [""] : blocksOf(state).map((block) => `${block}.`)
  return blocks.map((block) => {
    const name = `${start}.${block}${step}`, across = block === "cross." ? `${title}, decoder to encoder` : title
    return has(name) ? mapOf(name, across, state, ask) : lacks(`map ${across}`, state)
  })
}

function heads({ step }, state, ask) {
  return blocksOf(state).map((block) => {
    const name = `${state.side}.${state.layer}.${block}.${step}`, key = `heads ${block}`
    if (!has(name)) return lacks(key, state)
    const { numbers, shape } = partOf(name, [null, null, null]), titles = Array.from({ length: shape[0] }, (_, h) => `Head ${h}`)
    const data = { values: base64(numbers), shape, kind: "weight", limit: endOf(numbers)[1], blocked: blocked(name), titles, rows: labelsAlong(name, 1),
      columns: labelsAlong(name, 2), chosen: state.head, row: state.token, opened: openedIn(name, [null, null, null], state), tallest: null,
      alt: `Attention of all heads of layer ${state.layer}. ${captionOf(block, state)} Arrow keys move, Enter chooses.` }
    const cell = ([head, row, column]) => ask.look({ head, token: row }, [name, [head, row, column]])
    return { key, draws: "heatmap", data, hears: { cell }, caption: captionOf(block, state) }
  })
}

function lines({ step }, state, ask) {
  return blocksOf(state).map((block) => {
    const name = `${state.side}.${state.layer}.${block}.${step}`, key = `lines ${block}`
    if (!has(name)) return lacks(key, state)
    const { numbers, shape } = partOf(name, [state.head, null, null])
    const data = { values: base64(numbers), shape: [1, ...shape], rows: labelsAlong(name, 1), columns: labelsAlong(name, 2), chosen: state.token,
      titles: [`Head ${state.head}`], colours: [facts.colours.weight], ends: ["looks", "is looked at"], percent: true, only: null }
    return { key, draws: "lines", data, hears: { token: ([token]) => ask.look({ token }) }, caption: captionOf(block, state) }
  })
}

// The chosen token's vector before the first layer and after each.
function rows(_, state, ask) {
  const { side, token } = state, layers = Array.from({ length: facts.sides[side].layers }, (_, n) => [`layer ${n}`, `${side}.${n}.out`])
  const steps = [["input", `${side}.embed.out`], ...layers].filter(([, name]) => has(name))
  if (!steps.length) return [lacks("rows", state)]
  const parts = steps.map(([, name]) => partOf(name, [token, null]).numbers), wide = parts[0].length, numbers = new Float32Array(parts.length * wide)
  parts.forEach((part, i) => numbers.set(part, i * wide))
  const places = steps.map(([, name]) => openedIn(name, [token, null], state)), at = places.findIndex(Boolean), [limit, most] = endOf(numbers)
  const title = `“${facts.sides[side].tokens[token]}”, layer after layer`, ends = limit < most ? `. Colours end at ${rounded(limit)}; a few numbers reach ${rounded(most)}` : ""
  const data = { values: base64(numbers), shape: [1, parts.length, wide], kind: "signed", limit, blocked: null, titles: [title + ends], rows: steps.map(([label]) => label),
    columns: Array.from({ length: wide }, (_, d) => String(d)), labelled: true, rowsTitle: "", columnsTitle: "dimension", frame: null, folded: null,
    opened: at < 0 ? null : [0, at, ...places[at]], foldedAs: "dimension", colour: facts.colours.residual, step: "", fills: false, alt: `${title}. Arrow keys move, Enter opens the number.` }
  return [{ key: "rows", draws: "heatmap", data, hears: { cell: ([, row, d]) => ask.open(steps[row][1], [token, d]) } }]
}

function words(_, { side, token, opened }, ask) {
  const last = Object.keys(facts.sides).at(-1), position = side === last && held.words?.[token] ? token : facts.rows.at(-1)
  const found = held.words?.[position]
  if (!found) return [{ key: "words", lacks: "In this run no word is guessed." }]
  const row = facts.rows.indexOf(position), cells = found.map(({ id }) => ["head.probs", [row, id]])
  const at = opened ? cells.findIndex(([name, index]) => name === opened[0] && index.join() === opened[1].join()) : -1
  const data = { title: `At “${facts.sides[last].tokens[position]}” (${position})`, corner: "word", columns: ["probability"], rows: found.map(({ word }) => word),
    numbers: found.map(({ share }) => [rounded(share)]), bar: 0, shares: found.map(({ share }) => share), colour: facts.colours.head, foot: null, chosen: null,
    opened: at < 0 ? null : [at, 0] }
  return [{ key: "words", draws: "table", data, hears: { cell: ([r]) => ask.open(...cells[r]) } }]
}

function river(_, state, ask) {
  const picture = riverOf(state)
  if (!picture) return [lacks("river", state)]
  return [{ key: "river", draws: "overview", data: { parts: [picture] }, hears: { act: (act) => ask.act(act), cell: (cell) => ask.drawn(picture, cell) } }]
}

const FIGURES = { heads, lines, map: maps, rows, words, river }

export const partsOf = (figure, state, ask) => FIGURES[figure.draws](figure, state, ask)
