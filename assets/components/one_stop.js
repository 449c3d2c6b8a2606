// One Tab stop for a row of buttons: arrows, Home and End move along it.
import { clamp } from "./numbers.js"

// The place that a key leads to from place i of a row of so many; undefined where it leads nowhere.
export function reached(key, i, count) {
  const to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: count - 1 }[key]
  return to === undefined ? to : clamp(to, 0, count - 1)
}

// chosen: the place where Tab arrives; follow: whether what is reached is chosen, too.
export function oneStop(buttons, chosen = 0, follow = false) {
  buttons.forEach((button, i) => {
    button.tabIndex = i === Math.max(chosen, 0) ? 0 : -1
    button.onkeydown = (event) => {
      const to = reached(event.key, i, buttons.length)
      if (to === undefined) return
      event.preventDefault()
      if (to === i) return
      buttons.forEach((each, k) => { each.tabIndex = k === to ? 0 : -1 })
      buttons[to].focus()
      if (follow) buttons[to].click()
    }
  })
}
