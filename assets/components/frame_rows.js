import { showMore } from "./edges.js"

// The bar over the page scrolls sideways where there is little room.
export function frameRows(document) {
  const bar = document.querySelector(".st-key-bar")
  if (bar) showMore(bar)
}
