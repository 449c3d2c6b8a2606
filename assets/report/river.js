// The picture of the whole model, laid together from what ui/report/river.py wrote, as the overview draws it.
import { decode } from "../components/numbers.js"
import { named, shareWords } from "../components/overview_reading.js"
import { facts, held } from "./file.js"

const STREAM = ["token", "first", "out"]
const ALT = "The whole model. Tab goes from part to part, Enter opens."

const near = (at, token) => at.reduce((best, place, i) => (Math.abs(place - token) < Math.abs(at[best] - token) ? i : best), 0)

function tokensNow({ side, token }) {
  return Object.fromEntries(Object.entries(held.river.tokens).map(([each, tokens]) =>
    [each, { ...tokens, chosen: each === side ? near(tokens.at, token) : null }]))
}

// The strips and maps that are seen now: those of a part, of the head that is looked at, and those that are always there.
function drawnNow(open, { head }, output) {
  const strips = {}, maps = {}, group = Math.floor(head / facts.share)
  const take = (from, to, name, at) => { if (name) to[name] = from[`${name}|${at}`] ?? from[`${name}|`] }
  for (const river of held.river.rivers) for (const name of [...STREAM.map((part) => river[part]), ...river.added, ...river.layers]) take(held.strips, strips, name)
  for (const name of output.pooled) take(held.strips, strips, name)
  for (const part of open.parts) {
    for (const each of ["q", "z", "out", "hidden"]) take(held.strips, strips, part[each], head)
    for (const each of ["k", "v"]) take(held.strips, strips, part[each], group)
    take(held.maps, maps, part.pattern, head)
    take(held.maps, maps, part.mask)
  }
  return { strips, maps }
}

function attentionCaption({ side, layer, head }, tokens, maps, open) {
  const part = open.parts.findLast(({ pattern }) => pattern), map = maps[part.pattern], row = tokens[side].chosen
  const [, columns] = map.shown, numbers = decode(map.values).slice(row * columns, (row + 1) * columns)
  const most = numbers.indexOf(numbers.reduce((best, x) => Math.max(best, x), -Infinity)), own = map.columns === side && most === row
  const whom = own ? "itself" : named(tokens[map.columns], most)
  const who = named(tokens[side], row), where = `Head ${head} of layer ${layer}`
  if (silent({ side, layer, head }) && part.kind === "attention") return `${where} is silent: ${who} takes nothing from ${whom} there.`
  return `${where}: ${who} looks most at ${whom} (${shareWords(numbers[most])}) and takes in its value.`
}

const silent = ({ side, layer, head }) => held.river.silent.includes(`${side}.${layer}.${head}`)

// Where a number is drawn, or the block that it lies in: [key, row, cell].
export function drawnAt({ strips, maps, tokens }, name, index) {
  const part = strips[name] ?? maps[name]
  if (!part || part.index.some((i, axis) => i !== index[axis])) return null
  const inside = index.slice(part.index.length), row = part.single ? 0 : tokens[part.tokens].at.indexOf(inside.at(-2))
  if (maps[name]) {
    const place = [tokens[part.tokens].at.indexOf(inside[0]), tokens[part.columns].at.indexOf(inside[1])]
    return place.includes(-1) ? null : [name, ...place]
  }
  return row < 0 ? null : [name, row, Math.floor(inside.at(-1) / part.block)]
}

// The step and the index of a number that is drawn, of which a click tells the key, the row and the cell.
export function drawnCell({ strips, maps, tokens, output }, [key, row, cell]) {
  const word = output.words.find(({ id }) => key === `word/${id}`)
  if (word) return [word.step, word.cell]
  if (key === "kept") return [output.name, [tokens[output.side].at[row]]]
  const part = strips[key] ?? maps[key], position = tokens[part.tokens].at[row]
  if (maps[key]) return [key, [...part.index, position, tokens[part.columns].at[cell]]]
  const places = Uint8Array.from(atob(part.at), (letter) => letter.charCodeAt(0)), wide = part.block > 256
  const cells = places.length / (wide ? 2 : 1) / (part.single ? 1 : tokens[part.tokens].labels.length), at = row * cells + cell
  const inside = (wide ? new Uint16Array(places.buffer) : places)[at]
  return [key, [...part.index, ...(part.single ? [] : [position]), cell * part.block + inside]]
}

// The picture of what is looked at; null where its layer is not in this file.
export function riverOf(state) {
  const { side, layer, head } = state, river = held.river, open = held.opens?.[`${side}.${layer}`]
  if (!open) return null
  const tokens = tokensNow(state), token = tokens[side].at[tokens[side].chosen], last = Object.keys(tokens).at(-1)
  const output = river.outputs[side === last ? token : tokens[last].at.at(-1)], drawn = drawnNow(open, state, output)
  const { headline, captions } = river.said[side][token]
  const opened = state.cell && drawnAt({ ...drawn, tokens }, ...state.cell)
  return { ...drawn, tokens, output, opened, headline, alt: ALT, colours: facts.colours, experiments: [], silent: silent(state),
    rivers: river.rivers.map((each) => ({ ...each, chosen: each.side === side ? layer : null })),
    open: { ...open, head },
    captions: { ...captions, layers: open.layers, neurons: open.neurons[tokens[side].chosen], attention: attentionCaption(state, tokens, drawn.maps, open) },
    run: river.run, note: river.note, meanings: river.meanings }
}
