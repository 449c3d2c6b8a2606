// The numbers of a layer, sent once and kept here for the figures that are drawn from them. Draws nothing itself.
import { decode } from "./numbers.js"

const kept = new Map(), waiting = new Map()
const MOST = 4             // layers that are kept

// Calls then() with the numbers of that id, now or once they are here; the latest of a place only.
export function withNumbers(id, place, then) {
  waiting.delete(place)
  if (kept.has(id)) then(kept.get(id))
  else waiting.set(place, { id, then })
}

export default function ({ data }) {
  if (!kept.has(data.id)) kept.set(data.id, { ...data, numbers: decode(data.values) })
  if (kept.size > MOST) kept.delete(kept.keys().next().value)
  for (const [place, { id, then }] of waiting) {
    if (id !== data.id) continue
    waiting.delete(place)
    then(kept.get(id))
  }
}
