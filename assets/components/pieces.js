// The sentence in three rows that stand one below the other: what was typed, the pieces it is cut into, their numbers.
// A word and its pieces are held together; a piece is a button, and a click chooses it.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pieces")
  const focused = root.contains(root.getRootNode().activeElement)
  const words = []
  data.tokens.forEach((token, i) => {
    if (!words.length || token.word === null || token.word !== data.tokens[i - 1].word) {
      const word = document.createElement("span")
      word.className = "word"
      if (data.typed) make("span", token.word === null ? "typed added" : "typed", word, token.word === null ? "added" : "")
      words.push({ word, row: make("span", "row", word), letters: word.querySelector(".typed") })
    }
    const { row, letters } = words.at(-1)
    const turn = row.children.length % 2 ? "odd" : "even"        // pieces of a word take turns in colour, and so do their letters
    if (token.mark) words.at(-1).word.classList.add("unknown")
    if (token.mark) words.at(-1).word.title = token.mark
    if (letters && token.word !== null) make("span", turn, letters, token.typed)
    const chip = make("button", turn, row)
    chip.type = "button"
    chip.setAttribute("aria-pressed", String(i === data.chosen))
    const typed = token.typed ? `, typed: ${token.typed}` : ""
    chip.setAttribute("aria-label", `Token ${i}: ${token.text}, number ${token.id} of the vocabulary${typed}${token.mark && `; ${token.mark}`}`)
    make("span", "text", chip, token.text)
    make("span", "id", chip, String(token.id))
    chip.onclick = () => setTriggerValue("chosen", i)
  })
  root.replaceChildren(...words.map(({ word }) => word))
  if (focused) root.querySelectorAll("button")[data.chosen]?.focus({ preventScroll: true })
}
