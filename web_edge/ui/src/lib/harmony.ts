/** Chords and keys in Harte syntax, spelled for people: twin of `pretty` in music/harmony.py. */

const SHARPS = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const FLATS = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];
const STEPS: Record<string, number> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const DEGREES: Record<string, number> = { "1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 14 };
const FLAT_MAJOR_KEYS = [1, 3, 5, 8, 10];
const QUALITIES: Record<string, string> = {
  maj: "",
  min: "m",
  min7: "m7",
  maj6: "6",
  min6: "m6",
  hdim7: "m7♭5",
};

/** Of a name such as "F#" or "Bb", 0 for C. */
export function pitchClass(name: string): number {
  return ((((STEPS[name.charAt(0)] ?? 0) + accidentals(name.slice(1))) % 12) + 12) % 12;
}

/** Semitones that the sharps and flats in a name stand for. */
function accidentals(text: string): number {
  return text.split("#").length - text.split("b").length;
}

function namesFor(key: string): readonly string[] {
  const [tonic = "", mode = ""] = key.split(":");
  if (!tonic) return SHARPS;
  return FLAT_MAJOR_KEYS.includes((pitchClass(tonic) + (mode === "minor" ? 3 : 0)) % 12) ? FLATS : SHARPS;
}

/** "E♭maj7", "F♯m"; "" for no chord. */
export function pretty(symbol: string, key = ""): string {
  if (symbol === "N" || symbol === "") return "";
  const [body = "", bass = ""] = symbol.split("/");
  const [root = "", quality = "maj"] = body.split(":");
  const names = namesFor(key);
  const shown = `${names[pitchClass(root)] ?? root}${QUALITIES[quality] ?? quality}`;
  if (!bass || bass === "1") return shown;
  const degree = (DEGREES[bass.replace(/[#b]/g, "")] ?? 0) + accidentals(bass);
  return `${shown}/${names[(pitchClass(root) + degree + 12) % 12] ?? ""}`;
}

/** "B♭" for MIDI pitch 70 in F major, "A♯" where no key asks for flats. */
export function spelled(pitch: number, key: string): string {
  return namesFor(key)[((pitch % 12) + 12) % 12] ?? "";
}

/** "E♭ major"; "" where none is known. */
export function prettyKey(key: string): string {
  const [tonic = "", mode = ""] = key.split(":");
  return tonic ? `${namesFor(key)[pitchClass(tonic)] ?? tonic} ${mode}` : "";
}
