// Words on the screen: cut to a length, and tokens grouped into the words they are pieces of.

export const shorten = (text, size) => (text.length > size ? text.slice(0, size - 1) + "…" : text)

// A label in a room of so many pixels: of a longer one the middle is left out, so that its position in brackets, or its end, is read.
export function fitted(text, room, wideOf) {
  if (wideOf(text) <= room) return text
  const end = /( \(\d+\)|.{2})$/su.exec(text)?.[0] ?? "", begin = [...text.slice(0, text.length - end.length)]
  while (begin.length > 1 && wideOf(`${begin.join("")}…${end}`) > room) begin.pop()
  return `${begin.join("")}…${end}`
}

// Labels that are numbers, as of dimensions, lie flat and are named by their axis.
export const isNumbered = (labels) => labels.every((label) => /^\+?[0-9]+$/.test(label))

// Neighbours of one word belong together; a token of no word stands alone. Gives lists of positions.
export function groupWords(tokens) {
  const words = []
  tokens.forEach((token, i) => {
    if (i && token.word !== null && token.word === tokens[i - 1].word) words.at(-1).push(i)
    else words.push([i])
  })
  return words
}
