// A link to another page, opened in a tab of its own, leads to what is looked at now: a new tab knows its address alone.
const LINKS = "[data-testid=stPageLink] a"
const LEFT = ["cell", "swap"]  // an opened number stays behind

function carry({ target }) {
  const link = target.closest?.(LINKS)
  if (!link) return
  const choices = new URLSearchParams(location.search)
  LEFT.forEach((name) => choices.delete(name))
  link.search = choices
}

for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, carry, { capture: true })
