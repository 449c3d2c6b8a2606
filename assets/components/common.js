// What the components share; put before each of their scripts.
const SVG = "http://www.w3.org/2000/svg"

const make = (tag, className, parent, text) => {
  const element = document.createElement(tag)
  element.className = className
  if (text !== undefined) element.textContent = text
  parent.append(element)
  return element
}

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
const decode = (text) => new Float32Array(bytes(text).buffer)
