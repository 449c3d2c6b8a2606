// What a head does, read from the shares of its attention.
const NAMED = 0.25          // from this share on a role is named; bold from `strong` on

// The role with the largest share, among the first `ranked` ones.
export function strongest(shares, ranked) {
  let best = 0
  for (let i = 1; i < ranked; i++) if (shares[i] > shares[best]) best = i
  return best
}

export const namedRole = (share) => share >= NAMED
