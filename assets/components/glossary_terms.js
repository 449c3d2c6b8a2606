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

// How well a term answers what was typed: 0 not at all, more for its name than for its text.
export function rank(term, typed) {
  const asked = typed.trim().toLowerCase(), names = [term.term, term.names ?? "", ...(term.marks ?? [])].map((name) => name.toLowerCase())
  if (!asked) return 1
  if (names.some((name) => name.startsWith(asked))) return 4
  if (names.some((name) => name.includes(asked))) return 3
  if ((term.code ?? "").toLowerCase().includes(asked) || term.short.toLowerCase().includes(asked)) return 2
  return asked.split(/\s+/).every((word) => `${term.short} ${term.more}`.toLowerCase().includes(word)) ? 1 : 0
}
