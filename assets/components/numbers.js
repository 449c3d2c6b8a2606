// Numbers: within bounds, in words, and as they come from Python.

export const clamp = (x, low, high) => Math.min(Math.max(x, low), high)

// A number as `number` in core/text.py writes it, and a share as `percent` does:
// tests/spellings.json holds both to it.
export const rounded = (x, digits = 5) => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : x > 0 ? "∞" : "−∞"
  const near = Number(x.toPrecision(digits))
  const [mantissa, power] = x.toExponential(digits - 1).split("e")
  if (Math.abs(near) === 1 && near !== x && digits < 5) return rounded(x, digits + 1)
  const text = power < -6 || power >= 16 ? `${Number(mantissa)}e${power}` : String(near)
  return text.replaceAll("-", "−")
}

export const percent = (share, digits = 1) => {
  const step = 10 ** -digits, near = (share * 100).toFixed(digits)
  if (!Number.isFinite(share)) return rounded(share)
  if (Number(near) === 0) return share === 0 ? "0%" : share > 0 ? `<${step}%` : `>−${step}%`
  if (Number(near) === 100) return share >= 1 ? "100%" : `>${100 - step}%`
  return `${near}%`.replace("-", "−")
}

// Base64 as bytes. A plain loop: with a callback for each letter, half a megabyte takes 50 ms.
export const bytes = (text) => {
  const letters = atob(text), found = new Uint8Array(letters.length)
  for (let i = 0; i < letters.length; i++) found[i] = letters.charCodeAt(i)
  return found
}
export const decode = (text, Kind = Float32Array) => new Kind(bytes(text).buffer)
