// Where a page is scrolled to, said so that it holds on every screen: the part of the page on the line where one reads, and how much of it
// is above that line, in thousandths of its height.
export const LINE = 0.25    // of the height of the screen

// boxes: {key, top, bottom} of the parts that move with the page. The smallest part on the line, or else the last one above it.
export function spellPlace(boxes, screen) {
  const line = LINE * screen, tall = ({ top, bottom }) => bottom - top
  const begun = boxes.filter((box) => tall(box) >= 1 && box.top <= line), on = begun.filter(({ bottom }) => bottom >= line)
  const part = on.length ? on.reduce((best, box) => (tall(box) < tall(best) ? box : best))
    : begun.reduce((best, box) => (best && best.bottom >= box.bottom ? best : box), null)
  if (!part) return ""
  return `${part.key}~${Math.min(99999, Math.round(1000 * (line - part.top) / tall(part)))}`
}

export function parsePlace(text) {
  const [, key, share] = /^([\w-]{1,100})~(-?\d{1,5})$/.exec(text ?? "") ?? []
  return key ? { key, share: Number(share) / 1000 } : null
}

// By how much the page has to be scrolled down until that place is on the line.
export const scrollTo = ({ share }, { top, bottom }, screen) => top + share * (bottom - top) - LINE * screen

// States of pictures, {key, name, value}, as one text, and back: what is not written so is left out.
export const spellSeen = (states) =>
  states.map(({ key, name, value }) => `${key}.${name}.${String(value).replaceAll("~", "").slice(0, 60)}`).join("~")

export function parseSeen(text) {
  const found = new Map()
  for (const each of (text ?? "").split("~")) {
    const [, place, value] = /^([\w-]{1,100}\.[a-z]{1,12})\.(.{1,60})$/.exec(each) ?? []
    if (place) found.set(place, value)
  }
  return found
}
