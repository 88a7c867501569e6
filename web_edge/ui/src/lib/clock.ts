/** The session's clock: integer sample indices at one rate; seconds only at the codec and on the screen. */

export const SAMPLE_RATE_HZ = 22_050;

export function seconds(sample: number): number {
  return sample / SAMPLE_RATE_HZ;
}

/** Nearest sample index to a time; inverse of `seconds`. */
export function sampleAt(timeS: number): number {
  return Math.round(timeS * SAMPLE_RATE_HZ);
}
