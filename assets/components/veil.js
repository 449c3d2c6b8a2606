// What waits behind a veil is out of reach for keys and for those who listen, too. The page may be drawn anew meanwhile: what has come
// is hidden as well.
const VEILED = `[data-testid="stLayoutWrapper"]:has(> .st-key-veil) ~ *, [data-testid="stColumn"]:has(.st-key-veil) + [data-testid="stColumn"]`

// Hides it from now on; what it returns ends that.
export function veil(document) {
  const page = document.querySelector("[data-testid=stMain]"), hidden = new Set()
  const show = (part) => {
    Object.assign(part, { inert: false, ariaHidden: null })
    hidden.delete(part)
  }
  const look = () => {
    const veiled = new Set(page.querySelectorAll(VEILED))
    for (const part of hidden) if (!veiled.has(part)) show(part)
    for (const part of veiled) if (!part.inert) hidden.add(Object.assign(part, { inert: true, ariaHidden: "true" }))
  }
  const watch = new MutationObserver(look)
  watch.observe(page, { childList: true, subtree: true })
  look()
  return () => {
    watch.disconnect()
    hidden.forEach(show)
  }
}
