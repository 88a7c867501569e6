/** String 1 is the first of the list (a guitar's high E); pitch = tuning[string - 1] + capo + fret. */

export interface Tuning {
  /** The name the server knows it by. */
  readonly name: string;
  readonly label: string;
  /** Open-string MIDI pitches, string 1 first. */
  readonly pitches: readonly number[];
}

export const STANDARD: Tuning = { name: "standard", label: "Standard (EADGBE)", pitches: [64, 59, 55, 50, 45, 40] };

export const TUNINGS: readonly Tuning[] = [
  STANDARD,
  { name: "half_step_down", label: "Half step down", pitches: [63, 58, 54, 49, 44, 39] },
  { name: "drop_d", label: "Drop D", pitches: [64, 59, 55, 50, 45, 38] },
  { name: "dadgad", label: "DADGAD", pitches: [62, 57, 55, 50, 45, 38] },
  { name: "open_g", label: "Open G", pitches: [62, 59, 55, 50, 43, 38] },
  { name: "open_d", label: "Open D", pitches: [62, 57, 54, 50, 45, 38] },
  { name: "seven_string", label: "Seven strings", pitches: [64, 59, 55, 50, 45, 40, 35] },
  { name: "eight_string", label: "Eight strings", pitches: [64, 59, 55, 50, 45, 40, 35, 30] },
  { name: "bass", label: "Bass", pitches: [43, 38, 33, 28] },
  { name: "bass_five", label: "Bass, five strings", pitches: [43, 38, 33, 28, 23] },
  { name: "ukulele", label: "Ukulele", pitches: [69, 64, 60, 67] },
];

export const MAX_CAPO = 12;

const PITCH_CLASSES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"] as const;

/** "E4" for MIDI pitch 64. */
export function pitchName(pitch: number): string {
  const letter = PITCH_CLASSES[((pitch % 12) + 12) % 12] ?? "?";
  return `${letter}${Math.floor(pitch / 12) - 1}`;
}

/** Name without the octave, as it is written beside a string. */
export function stringLabel(pitch: number): string {
  return pitchName(pitch).replace(/-?\d+$/, "");
}
