// Rounded shapes of any size: a canvas throws at a radius below zero, which a picture has that is drawn in too little room.

// A plate with rounded corners, added to the brush's path; nothing where it has no size.
export function plate(brush, x, y, w, h, round) {
  if (w > 0 && h > 0) brush.roundRect(x, y, w, h, Math.min(round, w / 2, h / 2))
}

// A disc around a middle, added to the brush's path; nothing where it has no size.
export function disc(brush, x, y, radius) {
  if (radius > 0) brush.arc(x, y, radius, 0, 7)
}
