// The way to other pages, as links: another tab opens one at the place that is looked at. A plain click stays in this visit: the page goes
// there, and what is clicked is marked at once. Only the address changes from click to click.
import { create, set } from "./dom.js"
import { bringToMiddle, showMore } from "./edges.js"

const memory = new WeakMap(), sends = new WeakMap()
const isPlain = (event) => event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)

function mark(links, here) {
  links.forEach((link, i) => set(link, "ariaCurrent", i === here ? "page" : null))
}

function build(root, data) {
  const links = data.links.map(({ title, about, rel }, i) => {
    const link = Object.assign(create("a", "", title), { rel })
    if (about) link.title = about
    link.onclick = (event) => {
      if (!isPlain(event)) return
      event.preventDefault()
      mark(links, i)
      sends.get(root)("go", i)
    }
    return link
  })
  root.replaceChildren(...links)
  return links
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  set(root, "className", `root ${data.kind}`)
  set(root, "ariaLabel", data.title)
  const names = JSON.stringify(data.links), known = memory.get(root)
  const links = known?.names === names ? known.links : build(root, data)
  sends.set(root, setTriggerValue)
  links.forEach((link, i) => {
    const { page } = data.links[i]
    set(link, "href", new URL(page + (data.address && `?${data.address}`), document.baseURI).href)
  })
  mark(links, data.here)
  if (known?.here !== data.here && data.here !== null) bringToMiddle(root, links[data.here])
  memory.set(root, { names, links, here: data.here })
  if (!known) showMore(root)
}
