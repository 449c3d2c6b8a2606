// One Tab stop for a row of buttons, along which arrows, Home and End move; or for a map of them, in which arrows move.
import { clamp } from "./numbers.js"
import { neighbourOf } from "./why_geometry.js"

// The place that a key leads to from place i of a row of so many; undefined where it leads nowhere.
export function reached(key, i, count) {
  const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: count - 1 }[key]
  return to === undefined ? to : clamp(to, 0, count - 1)
}

// chosen: the place where Tab arrives; follow: whether what is reached is chosen, too.
export function oneStop(buttons, chosen = 0, follow = false) {
  walk(buttons, Math.max(chosen, 0), (key, i) => reached(key, i, buttons.length), follow)
}

// The same for buttons that stand in rows and columns: cells has the place of each.
export function oneStopAmong(buttons, cells, chosen) {
  walk(buttons, chosen, (key, i) => neighbourOf(cells, i, key) ?? undefined)
}

function walk(buttons, chosen, leads, follow = false) {
  buttons.forEach((button, i) => {
    button.tabIndex = i === chosen ? 0 : -1
    button.onkeydown = (event) => {
      const to = leads(event.key, i)
      if (to === undefined) return
      event.preventDefault()
      if (to === i) return
      buttons.forEach((each, k) => { each.tabIndex = k === to ? 0 : -1 })
      buttons[to].focus()
      if (follow) buttons[to].click()
    }
  })
}
