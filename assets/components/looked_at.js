// What a reader has just chosen in one figure, told to the others at once: they need not wait for the page.
const heard = new EventTarget()

export const announce = (name, value) => heard.dispatchEvent(new CustomEvent("look", { detail: { name, value } }))

// Calls hear({name, value}) from now on; what it returns ends that.
export function listen(hear) {
  const pass = (event) => hear(event.detail)
  heard.addEventListener("look", pass)
  return () => heard.removeEventListener("look", pass)
}
