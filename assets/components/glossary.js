// The page Glossary: the terms in groups; what is typed leaves those that answer it. A term unfolds to say more, and leads to the page
// where it is seen on the reader's own sentence.
import { frameRows } from "./frame_rows.js"
import { create, make } from "./dom.js"
import { glossary, idOf, nearest, rank } from "./glossary_terms.js"
import { keepInLink } from "./seen.js"

const memory = new WeakMap()

const code = (parent, text) => text.split(/(`[^`]+`)/).forEach((part) =>
  part.startsWith("`") ? make("code", "", parent, part.slice(1, -1)) : parent.append(part))

function line(parent, title, fill) {
  const row = make("div", "line", parent)
  make("span", "what", row, title)
  fill(make("span", "", row))
}

// The address of the page where a term is seen, with what the reader has chosen.
function addressOf(data, term) {
  const query = new URLSearchParams(data.address)
  for (const [name, value] of Object.entries(term.choices ?? {})) query.set(name, value)
  return `${data.paths[term.page]}${query.size ? `?${query}` : ""}`
}

const plainClick = (event) => event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)

function seenAt(parts, term, parent) {
  const link = make("a", "seen", parent, term.page === "Overview" ? "See it in the overview →" : `See it in your sentence: ${term.page} →`)
  link.href = addressOf(parts.data, term)
  link.onclick = (event) => {
    if (!plainClick(event)) return
    event.preventDefault()
    parts.send("go", idOf(term.term))
  }
  parts.links.push([link, term])
}

function details(parts, term, all) {
  make("p", "", all, term.more)
  if (term.symbol) line(all, "Written", (at) => make("i", "", at, term.symbol))
  if (term.code && term.code !== "–") line(all, "In code", (at) => code(at, term.code))
  if (term.see) line(all, "See also", (at) => term.see.forEach((name, i) => {
    if (i) at.append(", ")
    const link = make("a", "", at, name)
    link.href = `#${idOf(name)}`
    link.onclick = (event) => { event.preventDefault(); reveal(parts, idOf(name), true) }
  }))
  if (term.paper) line(all, "From", (at) => {
    if (!term.link) return at.append(term.paper)
    Object.assign(make("a", "", at, term.paper), { href: term.link, target: "_blank", rel: "noopener noreferrer" })
  })
  if (term.page) seenAt(parts, term, all)
}

function entry(parts, term) {
  const fold = create("details", "term"), head = make("summary", "", fold), id = idOf(term.term)
  fold.id = id
  const name = make("h3", "", head, term.term)
  if (term.names) make("small", "", name, ` ${term.names}`)
  make("span", "short", head, term.short)
  details(parts, term, make("div", "all", fold))
  fold.ontoggle = () => { if (fold.open && parts.told !== id) parts.send("term", parts.told = id) }
  return fold
}

function build(parts, { groups }) {
  const { root } = parts
  const box = make("label", "find", root, "Find a word")
  parts.find = Object.assign(make("input", "", box), { type: "search", autocomplete: "off", spellcheck: false, placeholder: "softmax" })
  parts.count = make("span", "count", box)
  parts.count.setAttribute("role", "status")
  parts.groups = groups.map((group) => {
    const part = make("section", "", root)
    make("h2", "", part, group.title)
    make("p", "note", part, group.note)
    const list = make("div", "list", part), entries = group.terms.map((term) => ({ term, fold: entry(parts, term) }))
    list.append(...entries.map(({ fold }) => fold))
    return { part, list, entries }
  })
  parts.find.oninput = () => filter(parts)
  filter(parts)
  keepInLink(parts.root, "find", () => parts.find.value.trim() || null, (typed) => { parts.find.value = typed; filter(parts) })
}

// Within its group, what answers best stands first; where nothing does, what is spelled most like it.
function filter({ groups, find, count }) {
  let shown = 0
  const all = groups.flatMap(({ entries }) => entries.map(({ term }) => term)), typed = find.value.trim()
  const near = typed && !all.some((term) => rank(term, typed)) ? nearest(all, typed) : []
  for (const { part, list, entries } of groups) {
    const found = entries.map((each) => ({ ...each, rank: near.length ? (near.includes(each.term) ? 4 - near.indexOf(each.term) : 0) : rank(each.term, typed) }))
    for (const { fold, rank } of found) fold.hidden = !rank
    list.append(...found.toSorted((a, b) => b.rank - a.rank).map(({ fold }) => fold))
    const n = found.filter(({ rank }) => rank).length
    part.hidden = !n
    shown += n
  }
  count.textContent = !typed ? `${shown} words` : near.length ? `No such word here. Did you mean ${near[0].term}?` : shown ? `${shown} found` : "No such word here."
}

// Unfolds a term and scrolls to it.
function reveal(parts, id, focus = false) {
  const fold = parts.groups.flatMap(({ entries }) => entries).find((each) => each.fold.id === id)?.fold
  if (!fold) return
  if (fold.hidden) { parts.find.value = ""; filter(parts) }
  if (!focus) parts.told = id
  fold.open = true
  fold.scrollIntoView({ block: "center" })
  if (focus) fold.querySelector("summary").focus({ preventScroll: true })
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  frameRows(root.ownerDocument)
  let parts = memory.get(root)
  if (!parts) {
    memory.set(root, parts = { root, links: [], told: null })
    const waiting = make("div", "", root)
    waiting.ariaBusy = "true"
    glossary().then((found) => {
      waiting.remove()
      build(parts, found)
      if (parts.data.term) reveal(parts, parts.data.term)
    })
  }
  parts.data = data
  parts.send = setTriggerValue
  for (const [link, term] of parts.links) link.href = addressOf(data, term)
  if (parts.groups && data.term && data.term !== parts.told) reveal(parts, data.term)
}
