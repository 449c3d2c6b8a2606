// The ways in which numbers are put together, as core/operands.py and the recipes of core/steps have them: from the operands alone, in 64
// bits, with the formula as it is written there. A group is { role, values }, and gets parts where what counts of a value is another number.
import { rounded } from "../components/numbers.js"

const SPELLED_OUT = 6

const operand = (x) => rounded(x, 7)
const factor = (x) => (x < 0 ? `(${operand(x)})` : operand(x))
const sum = (numbers) => numbers.reduce((all, each) => all + each, 0)
const largestOf = (numbers) => numbers.reduce((most, each) => Math.max(most, each), -Infinity)
const lengthOf = ({ values }) => Math.sqrt(sum(values.map((x) => x * x)))

// Terms joined by +; of a long sum the largest are spelled out in order, and the rest is one number.
function added(terms, written) {
  if (terms.length <= SPELLED_OUT) return terms.map((_, i) => written(i)).join(" + ")
  const bySize = terms.map((_, i) => i).sort((a, b) => Math.abs(terms[b]) - Math.abs(terms[a]) || a - b)
  const largest = bySize.slice(0, SPELLED_OUT).sort((a, b) => a - b), left = terms.length - SPELLED_OUT
  const rest = sum(terms) - sum(largest.map((i) => terms[i]))
  return `${largest.map(written).join(" + ")} + [the other ${left === 1 ? "term" : `${left} terms`}: ${operand(rest)}]`
}

function total(...groups) {
  const values = groups.flatMap((group) => group.values)
  return { value: sum(values), formula: added(values, (i) => factor(values[i])) }
}

function products(a, b, ...plus) {
  const terms = a.values.map((x, i) => x * b.values[i])
  const formula = added(terms, (i) => `${factor(a.values[i])}·${factor(b.values[i])}`)
  return { value: sum(terms) + sum(plus.map(({ values }) => values[0])), formula: formula + plus.map(({ values }) => ` + ${factor(values[0])}`).join("") }
}

function exponentials(row) {
  const most = largestOf(row.values)
  row.parts = row.values.map((score) => Math.exp(score - most))
  return most
}

function exponential({ values: [score] }, row) {
  const most = exponentials(row)
  return { value: Math.exp(score - most), formula: `exp(${operand(score)} − ${factor(most)})` }
}

function softmax(own, row) {
  const { value, formula } = exponential(own, row), whole = sum(row.parts)
  return { value: value / whole, formula: `${formula} / ${operand(whole)}` }
}

function rootMeanSquare(x, eps) {
  const squares = x.values.map((each) => each * each), count = squares.length
  return { value: Math.sqrt(sum(squares) / count + eps.values[0]),
    formula: `√((${added(squares, (i) => `${factor(x.values[i])}²`)}) / ${count} + ${operand(eps.values[0])})` }
}

function cosine(a, b) {
  const { value, formula } = products(a, b), lengths = lengthOf(a) * lengthOf(b)
  return { value: lengths ? value / lengths : 0, formula: `(${formula}) / (${operand(lengthOf(a))} · ${operand(lengthOf(b))})` }
}

function masked({ values: [score] }, { values: [allowed] }) {
  return { value: allowed ? score : -Infinity, formula: `${operand(score)}, ${allowed ? "allowed" : "blocked"} by the mask` }
}

function capped({ values: [x] }, { values: [cap] }) {
  return { value: cap * Math.tanh(x / cap), formula: `${operand(cap)} · tanh(${operand(x)} / ${operand(cap)})` }
}

// The error function, as a sum whose terms all have one sign: erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·5·…·(2n+1)).
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x)
  let term = x, all = x
  for (let n = 1; Math.abs(term) > Math.abs(all) * 1e-17; n++) all += (term *= 2 * x * x / (2 * n + 1))
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * all
}

const BENDS = {
  relu: (x) => Math.max(x, 0),
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => x * (1 + erf(x / Math.SQRT2)) / 2,
  gelu_tanh: (x) => x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) / 2,
  tanh: Math.tanh,
}

const activation = (name) => ({ values: [x] }) => ({ value: BENDS[name](x), formula: `${name}(${operand(x)})` })

const first = ({ values }) => values[0]

export const WAYS = {
  total, products, exponential, softmax, cosine, masked, capped,
  "root mean square": rootMeanSquare,
  average(group) {
    const { value, formula } = total(group), count = group.values.length
    return { value: value / count, formula: `(${formula}) / ${count}` }
  },
  product: (...groups) => ({ value: groups.reduce((all, group) => all * first(group), 1), formula: groups.map((group) => factor(first(group))).join(" · ") }),
  same: (group) => ({ value: first(group), formula: "passed on unchanged" }),
  difference: (a, b) => ({ value: first(a) - first(b), formula: `${operand(first(a))} − ${factor(first(b))}` }),
  quotient: (a, b) => ({ value: first(a) / first(b), formula: `${operand(first(a))} / ${factor(first(b))}` }),
  divided: (dot, scale) => ({ value: first(dot) * first(scale), formula: `${operand(first(dot))} ${scale.role.slice(2)}` }),
  given: () => ({ value: null, formula: "given" }),
  ...Object.fromEntries(Object.keys(BENDS).map((name) => [`activation ${name}`, activation(name)])),
}
