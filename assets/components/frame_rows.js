import { bringToMiddle, showMore } from "./edges.js"

// The rows over the line, which scroll sideways where there is little room; the rail shows at once which page this is.
let page = null

export function frameRows(document, tries = 20) {
  const bar = document.querySelector(".st-key-bar"), rail = document.querySelector(".st-key-rail-links"), { pathname } = document.location
  const links = [...rail?.querySelectorAll("a") ?? []], here = links.filter((link) => new URL(link.href).pathname === pathname).at(-1)
  if (!here && tries) return setTimeout(() => frameRows(document, tries - 1), 100)   // they are still to come
  if (here && page !== (page = pathname)) bringToMiddle(rail, here)
  for (const row of [bar, rail]) if (row) showMore(row)
}
