// Words on the screen: cut to a length, and tokens grouped into the words they are pieces of.

export const shorten = (text, size) => (text.length > size ? text.slice(0, size - 1) + "…" : text)

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
