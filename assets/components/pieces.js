// The sentence in three rows that stand one below the other: what was typed, the pieces it is cut into, their numbers.
// A word and its pieces are held together; a piece is a button, and a click chooses it.
import { create, make, makeButton } from "./dom.js"
import { groupWords } from "./words.js"

const turn = (n) => (n % 2 ? "odd" : "even")        // pieces of a word take turns in colour, and so do their letters

function wordOf(data, places, choose) {
  const word = create("span", "word"), pieces = places.map((i) => data.tokens[i]), added = pieces[0].word === null
  if (data.typed) {
    const letters = make("span", added ? "typed added" : "typed", word, added ? "added" : "")
    if (!added) pieces.forEach((piece, n) => make("span", turn(n), letters, piece.typed))
  }
  const row = make("span", "row", word)
  pieces.forEach((piece, n) => chip(row, turn(n), piece, places[n], data, choose))
  const mark = pieces.findLast((piece) => piece.mark)?.mark
  if (mark) {
    word.classList.add("unknown")
    word.title = mark
  }
  return word
}

function chip(row, className, piece, i, data, choose) {
  const button = makeButton(className, row, undefined, () => choose(i)), typed = piece.typed ? `, typed: ${piece.typed}` : ""
  button.setAttribute("aria-pressed", String(i === data.chosen))
  button.setAttribute("aria-label", `Token ${i}: ${piece.text}, number ${piece.id} of the vocabulary${typed}${piece.mark && `; ${piece.mark}`}`)
  make("span", "text", button, piece.text)
  make("span", "id", button, String(piece.id))
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pieces")
  const focused = root.contains(root.getRootNode().activeElement)
  const choose = (i) => setTriggerValue("chosen", i)
  root.replaceChildren(...groupWords(data.tokens).map((places) => wordOf(data, places, choose)))
  if (focused) root.querySelectorAll("button")[data.chosen]?.focus({ preventScroll: true })
}
