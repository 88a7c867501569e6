// Opens score files with alphaTab, a reader that shares no code with what wrote them, and prints what it finds: one
// line of JSON a file. The Python tests and `python -m bench exports` start it: node scripts/read-score.mjs FILE …
import { readFileSync } from "node:fs";
import * as alphaTab from "@coderline/alphatab";

const { importer, model, Settings } = alphaTab;

function readNote(note) {
  return {
    pitch: note.realValue,
    string: note.isStringed ? note.beat.voice.bar.staff.tuning.length - note.string + 1 : null,
    fret: note.isStringed ? note.fret : null,
    is_tied: note.isTieDestination,
    hammer: note.isHammerPullOrigin,
    slide: note.slideOutType !== model.SlideOutType.None,
    let_ring: note.isLetRing,
    vibrato: note.vibrato !== model.VibratoType.None,
    bend: note.hasBend ? note.bendPoints.map(({ offset, value }) => [offset, value]) : [],
  };
}

function readBar(bar, masterBar) {
  return {
    metre: `${masterBar.timeSignatureNumerator}/${masterBar.timeSignatureDenominator}`,
    key: bar.keySignature,
    start: masterBar.start,
    tempi: masterBar.tempoAutomations.map(({ value }) => value),
    voices: bar.voices.filter((voice) => !voice.isEmpty).map((voice) => ({
      length: voice.beats.reduce((sum, beat) => sum + beat.playbackDuration, 0),
      beats: voice.beats.map((beat) => ({
        start: beat.playbackStart,
        text: beat.text,
        chord: beat.chord?.name ?? null,
        notes: beat.notes.map(readNote),
      })),
    })),
  };
}

function readStaff(staff, score) {
  return {
    tuning: staff.tuning,
    capo: staff.capo,
    shows_tab: staff.showTablature,
    bars: staff.bars.map((bar) => readBar(bar, score.masterBars[bar.index])),
  };
}

for (const path of process.argv.slice(2)) {
  const score = importer.ScoreLoader.loadScoreFromBytes(new Uint8Array(readFileSync(path)), new Settings());
  const staves = score.tracks.flatMap((track) => track.staves.map((staff) => readStaff(staff, score)));
  process.stdout.write(`${JSON.stringify({ title: score.title, tempo: score.tempo, staves })}\n`);
}
