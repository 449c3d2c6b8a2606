// The glossary, loaded once, when it is first asked for; and found in by what a reader types. No element is touched here.
let asked = null

// { groups: [{ title, note, terms }], ids: Map of id → term }
export function glossary() {
  asked ??= import(new URL("glossary.json", import.meta.url), { with: { type: "json" } }).then((file) => withIds(file.default))
  asked.catch(() => { asked = null })         // a connection that broke may come back
  return asked
}

export const idOf = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")

export function withIds(found) {
  const terms = found.groups.flatMap((group) => group.terms)
  return { ...found, ids: new Map(terms.map((term) => [idOf(term.term), term])) }
}

// All that a term is called, its synonyms too.
const namesOf = (term) => [term.term, term.names ?? "", ...(term.marks ?? []), ...(term.also ?? [])].filter(Boolean).map((name) => name.toLowerCase())

// How well a term answers what was typed: 0 not at all, more for its name than for its text.
export function rank(term, typed) {
  const asked = typed.trim().toLowerCase(), names = namesOf(term)
  if (!asked) return 1
  if (names.includes(asked)) return 5
  if (names.some((name) => name.startsWith(asked))) return 4
  if (names.some((name) => name.includes(asked))) return 3
  if ((term.code ?? "").toLowerCase().includes(asked) || term.short.toLowerCase().includes(asked)) return 2
  return asked.split(/\s+/).every((word) => `${term.short} ${term.more}`.toLowerCase().includes(word)) ? 1 : 0
}

// How many letters have to be put in, left out, replaced or swapped with their neighbour to get from one word to another.
export function distance(a, b) {
  let before = [], last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] !== b[j - 1]))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1)
    }
    before = last
    last = row
  }
  return last[b.length]
}

// How far what was typed is from a term's nearest name, or from one word of it, as a share of its letters.
export function farness(term, typed) {
  const asked = typed.trim().toLowerCase()
  const words = namesOf(term).flatMap((name) => [name, ...name.split(/[\s,-]+/)]).filter((word) => word.length > 2)
  return words.reduce((least, word) => Math.min(least, distance(asked, word) / Math.max(asked.length, word.length)), 1)
}

const FAR = 0.45, OFFERED = 3

// The few terms that are spelled most like what was typed, the nearest first.
export const nearest = (terms, typed) => terms.map((term) => ({ term, far: farness(term, typed) })).filter(({ far }) => far <= FAR)
  .toSorted((a, b) => a.far - b.far).slice(0, OFFERED).map(({ term }) => term)
