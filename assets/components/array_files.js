// Arrays as files that need nothing of this project: CSV for a spreadsheet, NPZ for NumPy. docs/exports.md describes both.
//
// An array: { name, axes: [{ title, labels }], shape, values }, its values row after row: Float32Array, Float64Array, Int32Array, or
// Uint8Array for yes and no. facts: [[name, text], …], what there is to say of the picture; both kinds of file hold all of it.
const FORMAT = "glassformer array", VERSION = 1, DESCRIPTION = "array.json"
const KINDS = new Map([[Float32Array, "<f4"], [Float64Array, "<f8"], [Int32Array, "<i4"], [Uint8Array, "|b1"]])

// --- numbers and words as text -------------------------------------------------------------------------------------

// The shortest text that reads back to the last bit: of a float32 fewer digits than of the double that holds it.
export function exact(x, single) {
  if (Number.isNaN(x)) return "nan"
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf"
  if (Object.is(x, -0)) return "-0"
  if (!single || Number.isInteger(x) && Math.abs(x) < 1e7) return String(x)
  for (let digits = 6; digits < 9; digits++) {
    const near = Number(x.toPrecision(digits))
    if (Math.fround(near) === x) return String(near)
  }
  return String(Number(x.toPrecision(9)))
}

const NAMES = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }
const shown = (letter) => NAMES[letter] ?? `\\u{${letter.codePointAt(0).toString(16)}}`

// A text as a spreadsheet shall show it: never as a formula, whichever sign it takes for the end of a cell, and on one line. Letters that
// are not seen, or change the direction of the others, are written as their numbers.
export const harmless = (text) => String(text)
  .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu, shown)
  .replace(/^(?=[\s\p{Cf}]*[=+\-@＝＋－＠'])/u, "'")
  .replace(/([;|])(?=[\s\p{Cf}"']*[=+\-@＝＋－＠])/gu, "$1'")

const cell = (text) => `"${harmless(text).replaceAll('"', '""')}"`

// --- CSV -----------------------------------------------------------------------------------------------------------

// Text first, in UTF-8 with the mark by which a spreadsheet knows it; then for each array an empty line, its name, and a table.
export function csvOf(arrays, facts) {
  const lines = [[FORMAT, VERSION], ...facts].map(([name, text]) => `${cell(name)},${cell(text ?? "")}`)
  for (const array of arrays) lines.push("", `"array",${cell(array.name)}`, ...tableOf(array))
  return new Blob([`\ufeff${lines.join("\n")}\n`], { type: "text/csv" })
}

// The last axis goes across, the others down, a column with the names of each; of one axis the numbers stand in a column.
function* tableOf({ axes, shape, values }) {
  const single = values instanceof Float32Array, across = axes.length > 1 ? axes.at(-1) : { title: "", labels: ["value"] }
  const down = axes.length > 1 ? axes.slice(0, -1) : axes, width = axes.length > 1 ? shape.at(-1) : 1
  yield [...down.map(({ title }) => title), ...across.labels].map(cell).join()
  for (let at = 0, place = Array(down.length).fill(0); at < values.length; at += width) {
    const numbers = Array.from(values.subarray(at, at + width), (x) => exact(x, single))
    yield [...down.map(({ labels }, axis) => cell(labels[place[axis]])), ...numbers].join()
    place = next(place, shape)
  }
}

function next(place, shape) {
  const found = [...place]
  for (let axis = found.length - 1; axis >= 0; axis--) {
    if (++found[axis] < shape[axis]) break
    found[axis] = 0
  }
  return found
}

// --- NPZ: a zip file with an .npy for each array, and what they are in JSON ----------------------------------------

export function npzOf(arrays, facts) {
  const said = { format: FORMAT, version: VERSION, ...Object.fromEntries(facts.filter(([, text]) => text)),
    arrays: Object.fromEntries(arrays.map(({ name, axes, shape }) => [name, { shape, axes }])) }
  const files = [[DESCRIPTION, new TextEncoder().encode(JSON.stringify(said))], ...arrays.map((array) => [`${array.name}.npy`, npyOf(array)])]
  return new Blob(zipped(files), { type: "application/zip" })
}

// NumPy's format 1.0: a line that is a dictionary of Python, filled up so that the numbers begin at a multiple of 64.
function npyOf({ shape, values }) {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ")
  const about = `{'descr': '${KINDS.get(values.constructor)}', 'fortran_order': False, 'shape': (${sizes}), }`
  const line = about.padEnd(Math.ceil((about.length + 11) / 64) * 64 - 11) + "\n", file = new Uint8Array(10 + line.length + values.byteLength)
  file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, line.length & 255, line.length >> 8])
  file.set(new TextEncoder().encode(line), 10)
  file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + line.length)
  return file
}

const CHECKS = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? n >>> 1 ^ 0xedb88320 : n >>> 1
  return n
})

function checkOf(file) {
  let sum = 0xffffffff
  for (let i = 0; i < file.length; i++) sum = CHECKS[(sum ^ file[i]) & 255] ^ sum >>> 8
  return (sum ^ 0xffffffff) >>> 0
}

// Numbers of 2 or 4 bytes, as [size, number].
function packed(...numbers) {
  const found = new DataView(new ArrayBuffer(numbers.reduce((all, [size]) => all + size, 0)))
  let at = 0
  for (const [size, number] of numbers) {
    if (size === 2) found.setUint16(at, number, true)
    else found.setUint32(at, number, true)
    at += size
  }
  return new Uint8Array(found.buffer)
}

// Files as a zip archive, not compressed, of no date: the same numbers give the same bytes.
function zipped(files) {
  const parts = [], entries = []
  let at = 0
  for (const [title, file] of files) {
    const name = new TextEncoder().encode(title), about = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21], [4, checkOf(file)], [4, file.length], [4, file.length], [2, name.length], [2, 0]]
    const head = packed([4, 0x04034b50], ...about)
    entries.push(packed([4, 0x02014b50], [2, 20], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), name)
    parts.push(head, name, file)
    at += head.length + name.length + file.length
  }
  const size = entries.reduce((all, part) => all + part.length, 0)
  return [...parts, ...entries, packed([4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, at], [2, 0])]
}
