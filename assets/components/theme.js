// Tells Python when the reader switches between light and dark, which only the browser knows.
const pages = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  const page = getComputedStyle(root).getPropertyValue("--st-background-color").trim()
  if (pages.has(root) && pages.get(root) !== page) setTriggerValue("changed", page)
  pages.set(root, page)
}
