// A report within a notebook: it tells the page around it how tall it is and what is looked at, and hears what that page asks for. Nothing else is said
// or heard, and only what is a place of this run is taken.
import { entryOf, facts, has } from "./file.js"
import { parsed } from "./places.js"

const say = (kind, more) => parent.postMessage({ glassformer: kind, ...more }, "*")

const seen = ({ side, layer, head, token, cell }) => ({ side, layer, head, token, cell: cell ?? "" })

const whole = (value, count) => Number.isInteger(value) && value >= 0 && value < count

// Of what was asked for, what this run has.
function possible({ side, layer, head, token }, now) {
  const there = Object.hasOwn(facts.sides, side ?? "") ? side : now.side, { layers, tokens } = facts.sides[there]
  const asked = { layer: [layer, layers], head: [head, facts.heads], token: [token, tokens.length] }
  const fits = Object.entries(asked).filter(([, [value, count]]) => whole(value, count)).map(([name, [value]]) => [name, value])
  return { side: there, ...Object.fromEntries(fits) }
}

let told = ""             // what the other side knows: an echo of what it asked for could undo what it asks for next

export function tell(state) {
  const look = seen(state), text = JSON.stringify(look)
  if (!facts.framed || text === told) return
  told = text
  say("look", { look })
}

function isCell(cell) {
  try {
    const [name, index] = parsed(cell), { shape } = has(name) ? entryOf(name) : { shape: [] }
    return has(name) && index.length === shape.length && index.every((i, axis) => whole(i, shape[axis]))
  } catch {
    return false
  }
}

// state: what is looked at; look(place, cell) and dress(theme) change that.
export function inFrame({ home, state, look, dress }) {
  const main = home.parentElement
  new ResizeObserver(() => say("height", { height: Math.ceil(main.getBoundingClientRect().bottom + scrollY) })).observe(main)
  addEventListener("message", ({ source, data }) => {
    if (source !== parent || data?.glassformer !== "show") return
    if (data.theme === "light" || data.theme === "dark") dress(data.theme)
    const place = possible(data.look ?? {}, state), cell = isCell(data.look?.cell) ? data.look.cell : null
    told = JSON.stringify(seen({ ...state, ...data.look }))
    const same = Object.entries(place).every(([name, value]) => state[name] === value) && cell === state.cell
    if (!same) look(place, cell && parsed(cell))
    else tell(state)
  })
  say("ready", {})
}
