// The likeliest words of one or two models as bars from 0 to 100 %, each beside what it was or would be; with a row of words to
// choose between, the guess after each of them. A click on a word of that row is answered here, at once.
import { create, createButton, make, markOpened } from "./dom.js"
import { indexOf, nextButton, seenShare } from "./guesses_geometry.js"
import { decode, percent, rounded } from "./numbers.js"
import { saveElements } from "./saving.js"
import { ofGuesses } from "./shown_arrays.js"

const WAIT = 3000          // ms that a click stands before what the page says stands again
const TICKS = [0, 25, 50, 75, 100]
const memory = new WeakMap()

const shownPlace = (state, chosen) => {
  const { clicked } = state
  if (clicked && (clicked.place === chosen || performance.now() > clicked.until)) state.clicked = null
  return state.clicked?.place ?? chosen
}

function placeButton(shown, place, show) {
  const button = createButton("place", "", () => show(place, true))
  make("span", "word", button, shown.places[place])
  const bars = make("span", "shifts", button)
  shown.shifts[place].forEach((shift, g) => {
    const bar = make("i", "", bars)
    bar.style.height = `${100 * seenShare(shift)}%`
    bar.style.background = shown.colours[g]
  })
  button.title = shown.titles.map((title, g) => `${title}: ${percent(shown.shifts[place][g])} of the guess went elsewhere`).join("\n")
  button.ariaLabel = `${shown.places[place]}. ${button.title}`
  return button
}

function placeRow(root, shown, show) {
  if (!shown.places) return []
  make("div", "asked", root, shown.asked)
  const row = make("div", "places", root)
  row.setAttribute("role", "group")
  row.setAttribute("aria-label", shown.asked)
  const buttons = shown.places.map((_, place) => placeButton(shown, place, show))
  row.append(...buttons)
  return buttons
}

function valueButton(shown, at, open) {
  const value = shown.numbers[indexOf(shown.shape, at)]
  if (Number.isNaN(value)) return create("span", "absent", "–")
  const button = createButton(at[3] === shown.solid[at[1]] ? "value strong" : "value", percent(value), () => open(at))
  button.dataset.at = at.join()
  button.title = rounded(value)
  button.ariaLabel = `${shown.words[at[0]][at[1]][at[2]]}, ${shown.bars[at[3]]}: ${percent(value)}. Open the number`
  button.classList.toggle("opened", at.join() === shown.opened?.join())
  button.classList.toggle("none", value === 0)
  return button
}

function bars(shown, place, g, w) {
  const track = create("div", "track"), drawn = shown.bars.map((_, b) => b).sort((b) => (b === shown.solid[g] ? -1 : 1))
  for (const b of drawn) {
    const share = seenShare(shown.numbers[indexOf(shown.shape, [place, g, w, b])])
    make("i", b === shown.solid[g] ? "bar" : "ghost", track).style.width = `${100 * share}%`
  }
  return track
}

function head(group, shown, g) {
  make("h4", "", group, shown.titles[g])
  const line = make("div", "row head", group)
  make("span", "", line, "")
  const ticks = make("span", "ticks", line)
  for (const tick of TICKS) make("span", "", ticks, tick === 100 ? "100 %" : String(tick))
  shown.bars.forEach((title, b) => {
    const name = make("span", b === shown.solid[g] ? "title strong" : "title", line, title)
    name.prepend(create("i", b === shown.solid[g] ? "key bar" : "key ghost"))
  })
}

function group(parent, shown, place, g, open) {
  const box = make("div", "group", parent)
  box.style.setProperty("--bar", shown.colours[g])
  box.setAttribute("role", "group")
  box.setAttribute("aria-label", shown.titles[g])
  head(box, shown, g)
  shown.words[place][g].forEach((word, w) => {
    if (word === "") return
    const row = make("div", "row", box), strong = shown.strong?.join() === [place, g, w].join()
    row.classList.toggle("drawn", strong)
    row.classList.toggle("cut", shown.numbers[indexOf(shown.shape, [place, g, w, shown.solid[g]])] === 0)
    make("span", "word", row, (strong ? "▸ " : "") + word).title = word
    const track = bars(shown, place, g, w)
    track.onclick = () => open([place, g, w, shown.solid[g]])
    row.append(track, ...shown.bars.map((_, b) => valueButton(shown, [place, g, w, b], open)))
  })
}

// One Tab stop for each group: arrows walk over its numbers.
function walkable(box) {
  const buttons = [...box.querySelectorAll("button.value")]
  buttons.forEach((button, i) => {
    button.tabIndex = i ? -1 : 0
    button.onkeydown = (event) => {
      const next = nextButton(event.key, i, buttons.length)
      if (next === null) return
      event.preventDefault()
      buttons.forEach((each, k) => { each.tabIndex = k === next ? 0 : -1 })
      buttons[next].focus()
    }
  })
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), focused = root.getRootNode().activeElement?.dataset?.at
  const state = memory.get(root) ?? {}
  memory.set(root, state)
  const shown = { ...data, numbers: decode(data.values) }
  root.replaceChildren()
  root.classList.toggle("two", data.titles.length > 1)
  root.classList.toggle("one", data.bars.length === 1)
  const open = (at) => {
    markOpened(root, ".value", root.querySelector(`[data-at="${at}"]`))
    setTriggerValue("cell", at)
  }
  const show = (place, clicked) => {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === place)))
    groups.replaceChildren()
    data.titles.forEach((_, g) => group(groups, shown, place, g, open))
    groups.querySelectorAll(".group").forEach(walkable)
    if (!clicked) return
    state.clicked = { place, until: performance.now() + WAIT }
    setTriggerValue("place", [place])
  }
  const buttons = placeRow(root, shown, show), groups = make("div", "groups", root)
  show(shownPlace(state, data.chosen ?? 0), false)
  saveElements(root, { title: data.title, arrays: () => ofGuesses(shown) })
  if (focused) root.querySelector(`[data-at="${focused}"]`)?.focus({ preventScroll: true })
}
