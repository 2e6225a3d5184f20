/** Rounding as Python does it: by the exact value of the double, halves to the even neighbour. */

/** As many further digits as tell an exact half from what is only near one: no double of our sizes needs more. */
const FURTHER = 30;

/** Return x rounded to so many decimal digits, at least 1, as `round(x, digits)`. */
export function rounded(x: number, digits: number): number {
  const exact = Math.abs(x).toFixed(digits + FURTHER);
  const [kept, beyond] = [exact.slice(0, -FURTHER), exact.slice(-FURTHER)];
  const is_half = /^50*$/.test(beyond);
  const is_even = Number(kept.at(-1)) % 2 === 0;
  return is_half && is_even ? Math.sign(x) * Number(kept) : Number(x.toFixed(digits));
}

/** Round to the nearest whole number, halves to the even one, as `round(x)`. */
export function rint(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
