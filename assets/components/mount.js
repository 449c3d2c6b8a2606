// What Streamlit itself runs for every component: it asks for the module that the component's html links to, and lets it draw.
// A module is asked for once, however many of its pictures are drawn.
const known = new Map()

function ask(href) {
  if (!known.has(href)) {
    const asked = Promise.all([import(href), import(new URL("styles.js", href))])
    known.set(href, asked)
    asked.catch(() => known.delete(href))       // a connection that broke may come back
  }
  return known.get(href)
}

export default async function (given) {
  const { name, parentElement } = given, { href } = parentElement.querySelector("link[rel=modulepreload]")
  const target = parentElement.querySelector(".root")
  const [{ default: draw }, { styleOf }] = await ask(href)
  const root = parentElement.getRootNode(), style = await styleOf(name)
  if (!parentElement.contains(target)) return               // the reader has gone on meanwhile
  if (style && !root.adoptedStyleSheets.includes(style)) root.adoptedStyleSheets.push(style)
  const end = draw(given)
  target.removeAttribute("aria-busy")
  return end
}
