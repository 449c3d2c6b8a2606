// What the components share; put before each of their scripts.
const SVG = "http://www.w3.org/2000/svg"

const make = (tag, className, parent, text) => {
  const element = document.createElement(tag)
  element.className = className
  if (text !== undefined) element.textContent = text
  parent.append(element)
  return element
}

const clamp = (x, low, high) => Math.min(Math.max(x, low), high)
const shorten = (text, size) => (text.length > size ? text.slice(0, size - 1) + "…" : text)
const rounded = (x, digits) => String(Number(x.toPrecision(digits))).replace("-", "−")

// A plain loop: with a callback for each letter, half a megabyte takes 50 ms.
const bytes = (text) => {
  const letters = atob(text), found = new Uint8Array(letters.length)
  for (let i = 0; i < letters.length; i++) found[i] = letters.charCodeAt(i)
  return found
}
const decode = (text) => new Float32Array(bytes(text).buffer)
