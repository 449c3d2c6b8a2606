// Rows that scroll sideways: on which of their sides there is more, where the style sheets let them fade, and what is in sight.
import { set } from "./dom.js"

const watched = new WeakSet()

// Writes data-more="left", "right" or both on a row, now and whenever it scrolls or changes its width.
export function showMore(row) {
  const look = () => {
    const { scrollLeft, clientWidth, scrollWidth } = row, most = scrollWidth - clientWidth
    set(row.dataset, "more", [scrollLeft > 1 && "left", scrollLeft < most - 1 && "right"].filter(Boolean).join(" "))
  }
  if (!watched.has(row)) {
    watched.add(row)
    row.addEventListener("scroll", look, { passive: true })
    new ResizeObserver(look).observe(row)
  }
  look()
}

// Scrolls a row until an element in it stands in its middle.
export function bringToMiddle(row, element) {
  const home = row.getBoundingClientRect(), box = element.getBoundingClientRect()
  row.scrollLeft += box.left + box.width / 2 - home.left - home.width / 2
}
