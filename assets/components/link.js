// The link to what is on the screen: its address with what no address keeps, and a short form of it. ui/session/shared.py reads it.
const LONGEST = 200         // characters of a link that is copied as it stands
const FORM = "1"            // of the packing, as ui/session/short_link.py knows it

// version: of the names in the address; beside: what stands in the link beside the choices. Who follows the link sees the view at once,
// and is not asked to guess first.
export function wholeLink(address, version, beside = {}) {
  const link = new URL(address), asked = link.searchParams
  for (const name of ["v", "z", "answered"]) asked.delete(name)         // the reader's own answers to the exercises stay
  if (asked.get("ask") !== "0") asked.set("guess", "shown")
  for (const [name, value] of Object.entries(beside)) if (value) asked.set(name, value)
  if (asked.has("tour")) asked.delete("at")             // the tour scrolls by itself
  link.search = new URLSearchParams([["v", version], ...asked])
  link.hash = ""
  return link.href
}

// The same link, all its parameters packed into one where it is long and gets shorter by that.
export async function shortLink(whole) {
  if (whole.length <= LONGEST || !globalThis.CompressionStream) return whole
  const link = new URL(whole), pairs = [...link.searchParams]
  const packed = await deflated(pairs.map(([name, value]) => `${encodeURIComponent(name)}=${guarded(value)}`).join("&"))
  link.search = `z=${FORM}${base64url(packed)}`
  return link.href.length < whole.length ? link.href : whole
}

// What would else mean something in a list of parameters; all other letters are shorter as they are.
const guarded = (value) => value.replace(/[%&+]/g, encodeURIComponent)

async function deflated(text) {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate"))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

const base64url = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
