// Places in words: a cell of a step, axis by axis, as ui/kit/explanation_panel.py says them.
import { entryOf, facts, has, held } from "./file.js"

const WEIGHTS = "weights/"
const WORDED = /(embed\.token\.weight|head\.logits\.weight)$/

export const isWeight = (name) => name.startsWith(WEIGHTS)
export const bare = (name) => name.replace(WEIGHTS, "")
export const wordOf = (id) => held.vocabulary?.words[id]

// A cell as it stands in an address: decoder.0.attn.pattern:3,2,5; and its inverse.
export const spelled = (name, index) => `${name}:${index.join()}`
export function parsed(cell) {
  const [, name, index] = /^(.*):([\d,]+)$/.exec(cell)
  return [name, index.split(",").map(Number)]
}

// The position of the run that place i of an axis stands for.
export const positionOf = (entry, letter, i) => (letter === "R" || entry.ofRows ? facts.rows[i] : i)

function axisWords(name, entry, letter, i, roles) {
  if (letter === "V") return wordOf(i) === undefined ? `word ${i} of the vocabulary` : `“${wordOf(i)}” (word ${i} of the vocabulary)`
  if ("LMR".includes(letter)) {
    const across = roles && entry.axes.includes("M"), role = across ? { L: " looks", M: " is looked at" }[letter] ?? "" : ""
    const position = positionOf(entry, letter, i)
    return `“${facts.sides[entry.sides[letter]].tokens[position]}” (${position})${role}`
  }
  return letter === "K" ? `dimension ${i} of the head` : `${facts.axes[letter]} ${i}`
}

function weightWords(name, index) {
  if (WORDED.test(name) && wordOf(index[0]) !== undefined) return [`“${wordOf(index[0])}” (row ${index[0]})`, `column ${index[1]}`]
  const axes = index.length > 1 ? ["row", "column"] : ["number"]
  return index.map((i, axis) => `${axes[axis] ?? ""} ${i}`)
}

// but: axes that are left out.
export function placeWords(name, index, roles = true, but = []) {
  if (!isWeight(name) && !has(name)) return []
  const words = isWeight(name) ? weightWords(name, index)
    : index.map((i, axis) => axisWords(name, entryOf(name), entryOf(name).axes[axis], i, roles))
  return words.filter((_, axis) => !but.includes(axis))
}

// What stands along an axis of a step.
export function labelsAlong(name, axis) {
  const entry = entryOf(name), letter = entry.axes[axis], places = [...Array(entry.shape[axis]).keys()]
  if (letter === "V") return places.map((i) => wordOf(i) ?? String(i))
  if (!"LMR".includes(letter)) return places.map(String)
  return places.map((i) => facts.sides[entry.sides[letter]].names[positionOf(entry, letter, i)])
}

export function axisTitle(name, axis) {
  const { axes } = entryOf(name), letter = axes[axis]
  return "LMR".includes(letter) && !axes.includes("M") || letter === "M" && !axes.includes("L") ? "token" : facts.axes[letter]
}
