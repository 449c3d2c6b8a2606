// What this file holds: the facts of the run, and its numbers, unpacked when they are asked for.
import { bytes } from "../components/numbers.js"

const read = (id) => JSON.parse(document.getElementById(id).textContent)

export const facts = read("facts"), held = read("contents")
const unpacked = new Map()

export const has = (name) => Boolean(held.steps?.[name])
export const entryOf = (name) => {
  const entry = held.steps[name]
  return entry.same ? { ...held.steps[entry.same], ...entry } : entry
}

// Half-precision numbers: a sign, five bits of exponent, ten of fraction.
function halves(data) {
  const whole = new Uint16Array(data.buffer), found = new Float32Array(whole.length)
  whole.forEach((bits, i) => {
    const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023
    if (exponent === 31) found[i] = fraction ? NaN : sign * Infinity
    else found[i] = sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction)
  })
  return found
}

const KINDS = { f2: halves, f4: (data) => new Float32Array(data.buffer), f8: (data) => new Float64Array(data.buffer),
  i4: (data) => new Int32Array(data.buffer), u1: (data) => data }

// The numbers of a step or of a weight, row after row.
export function numbersOf(name) {
  if (!unpacked.has(name)) {
    const { kind, data, shape } = entryOf(name), size = shape.reduce((all, each) => all * each, 1)
    unpacked.set(name, kind === "zeros" ? new Float32Array(size) : KINDS[kind](bytes(data)))
  }
  return unpacked.get(name)
}

// Where a cell stands in an array of that shape.
export const placeIn = (shape, index) => index.reduce((place, i, axis) => place * shape[axis] + i, 0)

export const valueAt = (name, index) => numbersOf(name)[placeIn(entryOf(name).shape, index)]

// A part of a step: index has a number for each axis that is fixed, and null for the others.
export function partOf(name, index) {
  const { shape } = entryOf(name), all = numbersOf(name), free = shape.filter((_, axis) => index[axis] === null)
  const size = free.reduce((count, each) => count * each, 1), found = new Float32Array(size)
  const at = index.map((i) => i ?? 0)
  for (let n = 0; n < size; n++) {
    let left = n
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (index[axis] !== null) continue
      at[axis] = left % shape[axis]
      left = Math.floor(left / shape[axis])
    }
    found[n] = all[placeIn(shape, at)]
  }
  return { numbers: found, shape: free }
}

// Numbers as the components take them.
export function base64(array) {
  const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  let text = ""
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192))
  return btoa(text)
}
