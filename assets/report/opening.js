// How a number was made: its operands by the plan of its step, put together again, as explanation.js draws it.
import { rounded } from "../components/numbers.js"
import { entryOf, facts, has, placeIn, numbersOf, valueAt } from "./file.js"
import { bare, isWeight, parsed, placeWords, spelled } from "./places.js"
import { WAYS } from "./ways.js"

const FIRST = 3, SHOWN = 12, MOST = 1000

// --- taking apart -------------------------------------------------------------------------------------------------------------------

// Where the n-th operand stands along an axis; `rules` in core/plans.py says what each rule means.
export function reached(rule, index, n) {
  if ("is" in rule) return rule.is
  let at = "n" in rule ? n : index[rule.i]
  if ("times" in rule) at = at * rule.times + index[rule.plus]
  if ("over" in rule) at = Math.floor(at / rule.over)
  if ("modulo" in rule) at %= rule.modulo
  if ("of" in rule) at = rule.of ? numbersOf(rule.of)[at] : facts.rows[at]
  return at
}

function gathered(group, index) {
  if (group.name === null) return { ...group, indices: group.values.map(() => []), here: true }
  const indices = Array.from({ length: group.count }, (_, n) => group.rules.map((rule) => reached(rule, index, n)))
  if (!has(group.name)) return { ...group, indices, values: [], here: false }
  const all = numbersOf(group.name), { shape } = entryOf(group.name)
  return { ...group, indices, values: indices.map((at) => Number(all[placeIn(shape, at)])), here: true }
}

// A cell taken apart: its value, its operands, and, if all of them are in this file, what they give again and the formula.
export function takenApart(name, index) {
  const entry = entryOf(name), groups = (entry.plan?.groups ?? []).map((group) => gathered(group, index))
  const whole = groups.every((group) => group.here) && entry.plan ? WAYS[entry.plan.way](...groups) : null
  return { name, index, value: valueAt(name, index), groups, recomputed: whole?.value ?? null, formula: whole?.formula ?? "" }
}

// --- in words -----------------------------------------------------------------------------------------------------------------------

export const shortCell = (cell) => {
  const [name, index] = parsed(cell)
  return `${has(name) ? entryOf(name).title : bare(name)} [${index.join(", ")}]`
}

function head(cell, trail) {
  const [name, index] = parsed(cell), known = has(name), { layer } = /\.(?<layer>\d+)\./.exec(name)?.groups ?? {}
  const steps = trail.map((each) => ({ cell: each, text: shortCell(each) }))
  const where = [facts.change, placeWords(name, index).join(", "), layer && `layer ${layer}`]
  return { part: "head", trail: steps.length <= 6 ? steps : [steps[0], { cell: null, text: "…" }, ...steps.slice(-4)],
    title: known ? entryOf(name).title : "Not in this file", term: "", story: known ? entryOf(name).story : "",
    value: known ? rounded(Number(valueAt(name, index))) : "", hint: "", where: where.filter(Boolean).join("; "), name: cell, canChange: false }
}

const termsOf = (factors) => factors.length === 1 ? factors[0].parts ?? factors[0].values
  : factors[0].values.map((_, n) => factors.reduce((all, group) => all * group.values[n], 1))

// Two long groups of one length are multiplied pair by pair.
function paired(groups) {
  const [a, b, ...others] = groups = groups.filter((group) => group.here && group.values.length)
  if (!a || !b || a.values.length !== b.values.length || a.values.length < 2) return groups.map((group) => [group])
  return [[a, b], ...others.map((group) => [group])]
}

const finite = (x) => (Number.isFinite(x) ? Math.abs(x) : 0)
const fixedAxes = ({ indices }) => indices[0].map((_, axis) => axis).filter((axis) => indices.every((at) => at[axis] === indices[0][axis]))

function rowLabel(factors, n) {
  for (const group of factors) if (group.name) {
    const words = placeWords(group.name, group.indices[n], false, fixedAxes(group)).map((word) => word.replace(/ of the head$/, ""))
    return words.join(", ") || group.role
  }
  return factors[0].role
}

function whereOf(group) {
  if (!group.name) return ""
  const words = placeWords(group.name, group.indices[0])
  return [bare(group.name), ...fixedAxes(group).map((axis) => words[axis])].filter(Boolean).join(", ")
}

function listOf(factors, largest, count) {
  const terms = termsOf(factors), order = terms.map((_, n) => n).sort((a, b) => finite(terms[b]) - finite(terms[a]) || a - b)
  const rows = order.slice(0, count).map((n) => ({ label: rowLabel(factors, n), product: factors.length > 1 ? rounded(terms[n]) : "",
    share: Math.sign(terms[n]) * finite(terms[n]) / largest,
    items: factors.map((group) => ({ cell: group.name && spelled(group.name, group.indices[n]), text: rounded(group.values[n]) })) }))
  return { title: factors.map(({ title }) => title).join(" × "), where: factors.map(whereOf).filter(Boolean).join("; "), rows }
}

const missing = (group) => ({ title: `${group.title}: not in this file`, where: whereOf(group), rows: [] })

const spoken = (name, index) => facts.command.replace("{cell}", () => `${name} ${index.join(" ")}`)

function check(made) {
  const kept = `In the run: ${rounded(made.value, 9)}`, elsewhere = `Where Glassformer is installed: ${spoken(made.name, made.index)}`
  if (isWeight(made.name)) return ["", `${kept}.`]
  const { plan } = entryOf(made.name)
  if (!plan) return ["", `${kept}. What it was made from is not in this file. ${elsewhere}`]
  if (made.groups.some((group) => !group.here)) return ["", `${kept}. Some of its operands are not in this file. ${elsewhere}`]
  if (made.recomputed === null) return ["", `${kept}.`]
  const off = made.value === made.recomputed ? 0 : Math.abs(made.value - made.recomputed)
  return [`Recomputed: ${rounded(made.recomputed)} ✓`, `From these operands: ${rounded(made.recomputed, 9)}. ${kept}. ${
    off ? `Difference: ${rounded(off, 1)}, from rounding to 32 bits.` : "They agree to the digit."}`]
}

const longest = (groups) => groups.reduce((most, group) => Math.max(most, group.values.length), 0)

function body(made, all) {
  const lists = paired(made.groups), largest = lists.flatMap(termsOf).reduce((most, x) => Math.max(most, finite(x)), 0) || 1
  const count = longest(made.groups), there = made.groups.filter((group) => group.here && group.values.length)
  const formula = isWeight(made.name) ? "learned in training" : made.formula && made.recomputed !== null ? `${made.formula} = ${rounded(made.recomputed)}` : made.formula
  return { part: "body", name: made.name, formula, check: check(made), first: all ? MOST : FIRST,
    more: count <= SHOWN ? "" : all ? "Only the largest" : `All ${count.toLocaleString("en")}`, count: made.groups.length,
    groups: [...lists.map((factors) => listOf(factors, largest, all ? MOST : SHOWN)), ...made.groups.filter((group) => !group.here).map(missing)],
    shown: there.length }
}

const nothing = (name, index) => ({ part: "body", name, formula: "", check: ["", `This number is not in this file. Where Glassformer is installed: ${spoken(name, index)}`],
  first: FIRST, more: "", count: 0, groups: [] })

// What explanation.js draws for a cell. trail: the cells that led to it; all: whether every operand is listed.
export function explanation(cell, trail, all) {
  const [name, index] = parsed(cell)
  const parts = [head(cell, trail), has(name) ? body(takenApart(name, index), all) : nothing(name, index)]
  return { parts, depth: "story", shown: cell }
}
