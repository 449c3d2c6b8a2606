// The sentence, a row for each token: what was typed, the piece, its number, its row of the table as a strip, the words nearest to it.
// A click on a row chooses the token and unfolds its nearest words at once; one on a cell opens the number.
import { palette } from "./colours.js"
import { create, make, makeButton } from "./dom.js"
import { decode } from "./numbers.js"
import { saveElements, signedScale } from "./saving.js"
import { ofPieces } from "./shown_arrays.js"
import { makeStrip, stripTools } from "./strip.js"
import { groupWords } from "./words.js"

const turn = (n) => (n % 2 ? "odd" : "even")        // pieces of a word take turns in colour

function headRow(data) {
  const row = create("div", "row head")
  for (const title of [data.typed ? "typed" : null, "piece", "id", data.titles.row, data.titles.near]) if (title !== null) make("span", "", row, title)
  return row
}

// What was typed for a piece: its letters, and, of a piece that makes a part of a character, which part. Of two texts, the letter of its own.
function typedCell(row, token, n, added) {
  const cell = make("span", added ? "typed added" : `typed ${turn(n)}`, row)
  if (token.of) make("b", "of", cell, token.of)
  if (token.cut) make("small", "cut", cell, token.cut)
  else cell.append(added ? "added" : token.typed)
}

function tokenRow(data, i, n, chosen, act, tools) {
  const token = data.tokens[i], row = create("div", n ? "row goes-on" : "row"), D = data.shape[1], added = token.word === null
  if (n) make("i", "joint", row)
  row.classList.toggle("chosen", i === chosen)
  row.classList.toggle("unknown", Boolean(token.mark))
  if (data.typed) typedCell(row, token, n, added)
  const button = makeButton(`piece ${turn(n)}`, row, token.text)
  if (token.name !== token.text) make("small", "", button, token.name.slice(token.text.length))
  button.setAttribute("aria-pressed", String(i === chosen))
  const said = [token.of && `text ${token.of}`, token.cut, token.mark].filter(Boolean)
  button.setAttribute("aria-label", [`Token ${i}: ${token.text}, number ${token.id} of the vocabulary${token.typed ? `, typed: ${token.typed}` : ""}`, ...said].join("; "))
  button.title = said.join(" · ") || token.text
  make("span", "id", row, String(token.id))
  const at = data.at.indexOf(i)
  if (at >= 0) {
    const numbers = data.numbers.subarray(at * D, (at + 1) * D), opened = data.opened?.[0] === i ? data.opened[1] : null
    makeStrip(row, { numbers, limit: data.limit, colour: data.colour, title: token.name, opened }, tools, (d) => act.cell([i, d]))
    make("span", "near", row, token.near[0] ?? "")
  }
  row.onclick = () => act.choose(i)
  return row
}

// The chosen token's nearest words, with their cosines once the page has followed.
function nearRow(data, i, act) {
  const { near, cosines } = data.tokens[i], row = create("div", "unfolded")
  make("span", "", row, data.titles.unfolded)
  near.forEach((word, n) => {
    const button = makeButton("word", row, word, (event) => {
      event.stopPropagation()
      act.near([n])
    })
    button.disabled = !cosines
    if (!cosines) return
    make("b", "", button, cosines[n].text)
    button.style.setProperty("--share", `${100 * Math.max(0, cosines[n].share)}%`)
  })
  return row
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pieces"), shown = { ...data, numbers: decode(data.values) }
  const focused = root.contains(root.getRootNode().activeElement) && root.getRootNode().activeElement.className.startsWith("piece")
  const draw = (chosen) => {
    const act = {
      cell: (place) => setTriggerValue("cell", place),
      near: (place) => setTriggerValue("near", place),
      choose: (i) => {
        draw(i)
        root.querySelectorAll(".piece")[i]?.focus({ preventScroll: true })
        setTriggerValue("chosen", i)
      },
    }
    root.classList.toggle("untyped", !data.typed)
    const top = root.scrollTop, tools = stripTools(root)
    root.replaceChildren(headRow(data))
    for (const places of groupWords(data.tokens)) {
      places.forEach((i, n) => {
        root.append(tokenRow(shown, i, n, chosen, act, tools))
        if (i === chosen && shown.tokens[i].near.length) root.append(nearRow(i === data.chosen ? shown : withoutCosines(shown), i, act))
      })
    }
    root.append(tools.tip)
    root.scrollTop = top
  }
  draw(data.chosen)
  reveal(root, root.querySelector(".chosen"))
  saveElements(root, { title: root.getAttribute("aria-label"), scales: [signedScale(palette(getComputedStyle(root), "diverging"), data.limit, data.titles.row)], arrays: () => ofPieces(shown) })
  if (focused) root.querySelectorAll(".piece")[data.chosen]?.focus({ preventScroll: true })
}

// A row that was chosen elsewhere may lie beyond the edge of a long list.
function reveal(root, row) {
  if (!row || root.scrollHeight <= root.clientHeight) return
  const top = row.offsetTop - root.offsetTop, bottom = top + 2 * row.offsetHeight
  if (top < root.scrollTop + 24 || bottom > root.scrollTop + root.clientHeight) root.scrollTop = top - root.clientHeight / 2
}

const withoutCosines = (data) => ({ ...data, tokens: data.tokens.map((token) => ({ ...token, cosines: null })) })
