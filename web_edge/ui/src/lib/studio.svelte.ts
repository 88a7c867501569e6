/** What the page knows and can do: one take at a time, from one of the ways in to a tab. */

import type { Preferences } from "./account.svelte";
import {
  fetchDemo,
  fetchFeatures,
  fetchFile,
  fetchResult,
  listTranscriptions,
  transcribeVideo,
  uploadRecording,
  type BarsRequest,
  type Rhythm,
  type Transcription,
} from "./api";
import { Microphone } from "./audio/microphone";
import type { Samples } from "./audio/pacing";
import { Player } from "./audio/player";
import { MicrophoneStream, PlaybackStream, type Stream } from "./audio/streaming";
import { seconds } from "./clock";
import { SessionConnection, type ConnectionListener, type ConnectionState } from "./connection";
import { emptyScore, rhythmOf, scoreOf, scoreOfSession, toDocument, type Score, type TranscriptionDocument } from "./document";
import type { SeparationChosen } from "./events";
import { awaitResult } from "./final-result";
import { browserEnvironment } from "./line";
import { rememberedNotation, type Notation } from "./notation";
import { Playback } from "./playback.svelte";
import { hasChosen, pitchesOf, remember, remembered, tuningName, wishesOf, type Player as Wishes, type View } from "./player";
import { problem, problemOf, type Problem } from "./problems";
import { FOUND } from "./rhythm";
import { saveAs } from "./saving";
import { chosenOf, rememberedSeparation, rememberSeparation, type SeparationName } from "./separation";
import type { SessionState } from "./session-state";
import { STANDARD } from "./tunings";
import { Versions } from "./versions.svelte";
import { WrittenTab } from "./written.svelte";

export type Phase = "idle" | "recording" | "processing" | "done" | "failed";

const SLOW = "Your connection is slower than the music, so the tab falls behind. Nothing is lost so far.";
const BEHIND = "The server has fallen behind the music. The tab goes on as soon as it answers.";
/** The watermark trails a recording by about two seconds; this much is out of the ordinary. */
const BEHIND_S = 6;
const OVERFLOWED = "Your connection is too slow to record over it. What was sent is still being transcribed.";
const FETCHING = "The server fetches the video …";
const UNPLUGGED = "The microphone went away. What it heard is still being transcribed.";

export class Studio {
  phase = $state<Phase>("idle");
  connection = $state<ConnectionState>("closed");
  problem = $state<Problem | null>(null);
  notice = $state("");
  isSlow = $state(false);
  title = $state("");
  attribution = $state("");
  /** What is asked for, and how the neck is shown; of a finished tab, what it was asked for. */
  readonly player: Wishes & View = $state(remembered(localStorage));
  /** Whether a voice is taken out of the next take. */
  separation = $state<SeparationName>(rememberedSeparation(localStorage));
  /** What became of that in this one. */
  heard = $state.raw<SeparationChosen | null>(null);
  /** What holds of the bars of a take that is under way. */
  rhythm = $state.raw<Rhythm>(FOUND);
  sentS = $state(0);
  totalS = $state<number | null>(null);
  /** Where the cursor stands; null where there is none. */
  positionS = $state<number | null>(null);
  processedS = $state(0);
  score = $state.raw<Score>(emptyScore(STANDARD.pitches, 0));
  readonly playback = new Playback();
  readonly versions = new Versions({
    show: (document) => {
      this.stored = document;
      this.score = scoreOf(document);
      void this.written.show(document);
    },
    complain: (error) => {
      this.problem = problemOf(error);
    },
  });
  readonly written = new WrittenTab();
  /** What is written of the notes. */
  notation = $state<Notation>(rememberedNotation(localStorage));
  canPlay = $state(false);
  /** Whether the server fetches videos. */
  hasVideos = $state(false);
  earlier = $state.raw<Transcription[]>([]);

  private link: SessionConnection | null = null;
  private stream: Stream | null = null;
  private upload: AbortController | null = null;
  private sound: Blob | null = null;
  /** Id of the video's transcription on the page. */
  private video: string | null = null;
  private stored: TranscriptionDocument | null = null;
  private hasNews = false;
  /** What was chosen by hand: a tab that was opened in between must not decide on the next take. */
  private chosen = remembered(localStorage);
  /** Counts the takes; what an earlier one still has under way must not touch a later one. */
  private take = 0;

  get isBusy(): boolean {
    return this.phase === "recording" || this.phase === "processing";
  }

  /** The one thing worth telling now that is not an error. */
  get currentNotice(): string {
    if (this.isSlow) return SLOW;
    if (this.phase === "recording" && this.sentS - this.processedS > BEHIND_S) return BEHIND;
    return this.notice;
  }

  async startDemo(): Promise<void> {
    const context = new AudioContext();
    await this.begin("recording", "The demo piece", async (isCurrent) => {
      const { piece, sound } = await fetchDemo();
      this.sound = new Blob([sound.slice(0)]);
      const player = await Player.decode(sound, context);
      if (!isCurrent()) {
        await player.stop();
        return;
      }
      this.title = [piece.title, piece.composer].filter(Boolean).join(", ") || this.title;
      this.attribution = piece.attribution ?? "";
      this.totalS = player.durationS;
      this.score = emptyScore(piece.tuning, piece.capo);
      const link = this.connect(() => void stream.start());
      const stream = new PlaybackStream(player, (frame) => link.sendAudio(frame), () => void this.stop());
      this.stream = stream;
      link.startLive(this.liveConfig(player.rateHz, { tuning: piece.tuning, capo: piece.capo }));
    });
  }

  async startMicrophone(): Promise<void> {
    await this.begin("recording", "From the microphone", async (isCurrent) => {
      const microphone = await Microphone.open();
      if (!isCurrent()) {
        await microphone.stop();
        return;
      }
      const link = this.connect(() => {
        stream.start(() => void this.stop(UNPLUGGED));
      });
      const send = (frame: Samples): boolean => link.sendAudio(frame);
      const stream = new MicrophoneStream(microphone, send, () => void this.stop(OVERFLOWED));
      this.stream = stream;
      link.startLive(this.liveConfig(microphone.rateHz));
    });
  }

  async openFile(file: File): Promise<void> {
    await this.begin("processing", file.name, async (isCurrent) => {
      this.sound = file;
      this.upload = new AbortController();
      this.notice = "Sending the file …";
      const { id } = await uploadRecording(file, { ...this.wishes, separation: this.separation }, this.upload.signal);
      if (!isCurrent()) return;
      this.notice = "";
      this.canPlay = true;
      this.connect().follow(id);
    });
  }

  async openVideo(url: string): Promise<void> {
    await this.begin("processing", url, async (isCurrent) => {
      this.upload = new AbortController();
      this.notice = FETCHING;
      const wanted = { ...this.wishes, separation: this.separation };
      const { id, title } = await transcribeVideo(url, wanted, this.upload.signal);
      if (!isCurrent()) return;
      this.title = title ?? url;
      this.video = id;
      this.connect().follow(id);
    });
  }

  async learnFeatures(): Promise<void> {
    try {
      this.hasVideos = (await fetchFeatures()).videos;
    } catch (error) {
      // What is not known to be offered is not offered.
      console.warn("What the server offers could not be had.", error);
    }
  }

  async reopen({ id, title, status, separation }: Transcription): Promise<void> {
    await this.begin("processing", title ?? "An earlier transcription", async (isCurrent) => {
      if (status !== "completed") {
        this.connect().follow(id);
        return;
      }
      const stored = await fetchResult(id);
      if (!isCurrent()) return;
      this.stored = stored;
      this.heard = chosenOf(separation);
      this.score = scoreOf(stored);
      void this.written.show(stored);
      this.processedS = stored.duration_s;
      this.phase = "done";
      this.finish(id, stored);
    });
  }

  /** What the server is asked for: the player without the view. */
  get wishes(): Wishes {
    return wishesOf($state.snapshot(this.player));
  }

  /** One setting was changed by hand: it is kept for the next take, and for the next visit. */
  keep(name: keyof (Wishes & View)): void {
    this.chosen = { ...this.chosen, [name]: this.player[name] };
    remember(localStorage, this.chosen);
  }

  keepSeparation(): void {
    rememberSeparation(localStorage, this.separation);
  }

  /** The finished tab once more for what is asked for now. */
  async rearrange(): Promise<void> {
    this.problem = null;
    await this.versions.arrangeFor(this.wishes);
  }

  /** Bars of the take that is under way, around what the player decides; the session answers with what holds. */
  lockRhythm(rhythm: Partial<Rhythm>): void {
    this.problem = null;
    this.link?.lockRhythm(rhythm);
  }

  /** Whether the player can decide about the bars now. */
  get canLock(): boolean {
    return this.phase === "recording" && this.connection === "open";
  }

  /** Where the music is at this very moment; null while none is played in. */
  get nowS(): number | null {
    return this.phase === "recording" ? (this.stream?.positionS ?? null) : null;
  }

  /** The finished tab in other bars. */
  async rebar(rhythm: BarsRequest): Promise<void> {
    this.problem = null;
    await this.versions.rebar(rhythm);
  }

  /** The finished tab for the tuning and capo that its notes suggest. */
  async acceptOffer(): Promise<void> {
    const { offer } = this.versions;
    if (!offer) return;
    this.player.tuning = tuningName(offer.tuning);
    this.player.capo = offer.capo;
    this.versions.decline();
    await this.rearrange();
  }

  /** Puts a note of the finished tab on another string, and arranges the others around it. */
  async place(noteId: string, string: number): Promise<void> {
    const now = this.document();
    this.problem = null;
    if (now) await this.versions.pin(noteId, string, now);
  }

  /** Ends the recording, or the watching of a file's transcription; what was sent is still transcribed. */
  async stop(notice = ""): Promise<void> {
    const { stream } = this;
    if (notice) this.notice = notice;
    if (this.phase === "recording" && stream) {
      this.phase = "processing";
      await stream.stop();
      this.sentS = stream.sentS;
      this.link?.finish();
      if (!this.link?.canSend && !this.link?.session.sessionId) this.abandon();
    } else if (this.isBusy) {
      this.abandon();
    }
  }

  /** Plays the recording of the tab on the page, with the cursor running along. */
  async play(): Promise<void> {
    try {
      if (this.sound) await this.playback.play(this.sound);
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** Hands a file of the server's to the browser, which keeps it where downloads go. */
  async save(address: string): Promise<void> {
    try {
      const { name, content } = await fetchFile(address);
      saveAs(name, content);
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** What the account has chosen holds where nothing was chosen on this machine. */
  prefer({ tuning, difficulty }: Preferences): void {
    if (this.isBusy || hasChosen(localStorage)) return;
    Object.assign(this.chosen, { tuning, difficulty });
    Object.assign(this.player, { tuning, difficulty });
  }

  /** The tab as a file of schema "genesis.transcription/1"; null while there is nothing. */
  document(): TranscriptionDocument | null {
    return this.stored ?? (this.link?.session.sessionId ? toDocument(this.link.session) : null);
  }

  async refreshEarlier(): Promise<void> {
    try {
      this.earlier = await listTranscriptions();
      // What a video is called is known once it is fetched.
      const title = this.video && this.earlier.find(({ id }) => id === this.video)?.title;
      if (title) this.title = title;
    } catch (error) {
      // The list is a convenience: without it the page still does its work.
      console.warn("Earlier transcriptions could not be listed.", error);
    }
  }

  /** Brings the visible state up to date; called once a screen frame. */
  refresh(): void {
    const session = this.link?.session;
    if (this.stream && this.phase === "recording") this.sentS = this.stream.sentS;
    if (session && this.hasNews) {
      this.hasNews = false;
      this.score = scoreOfSession(session, this.score);
      this.processedS = seconds(session.processedUntil);
      this.heard = session.separation;
      this.rhythm = session.lock ? rhythmOf(session.lock) : FOUND;
      if (session.sequence > 0 && this.notice === FETCHING) this.notice = "";
      if (session.duration !== null) this.totalS ??= seconds(session.duration);
    }
    this.positionS = this.cursorPosition();
  }

  private cursorPosition(): number | null {
    if (this.playback.isPlaying) return this.playback.positionS;
    if (this.phase === "recording") return this.stream?.positionS ?? 0;
    if (this.phase === "processing") return this.processedS;
    return null;
  }

  private async begin(phase: Phase, title: string, work: (isCurrent: () => boolean) => Promise<void>): Promise<void> {
    this.reset();
    this.phase = phase;
    this.title = title;
    const { take } = this;
    const isCurrent = (): boolean => take === this.take;
    try {
      await work(isCurrent);
    } catch (error) {
      if (isCurrent()) this.fail(problemOf(error));
    }
  }

  private reset(): void {
    this.take += 1;
    this.release();
    this.link = null;
    this.versions.close();
    this.written.close();
    this.sound = this.stored = this.video = null;
    this.problem = null;
    this.notice = this.attribution = "";
    this.heard = null;
    this.rhythm = FOUND;
    this.isSlow = this.canPlay = this.hasNews = false;
    this.sentS = this.processedS = 0;
    this.totalS = this.positionS = null;
    Object.assign(this.player, this.chosen);
    this.score = emptyScore(pitchesOf(this.player.tuning) ?? STANDARD.pitches, this.player.capo);
  }

  /** Closes what is open; what is on the page stays. */
  private release(): void {
    this.upload?.abort();
    this.upload = null;
    this.link?.close();
    void this.stream?.stop();
    this.stream = null;
    void this.playback.pause();
  }

  private abandon(): void {
    this.take += 1;
    this.release();
    this.phase = this.score.notes.length > 0 ? "done" : "idle";
  }

  private fail(found: Problem): void {
    this.release();
    this.hasNews = true;
    this.notice = "";
    this.problem = found;
    this.phase = "failed";
  }

  private connect(onOpen?: () => void): SessionConnection {
    let isOpened = false;
    const listener: ConnectionListener = {
      onState: (state) => {
        this.connection = state;
        if (state !== "open" || isOpened) return;
        isOpened = true;
        onOpen?.();
      },
      onChange: () => {
        this.hasNews = true;
        if (link.session.isOver) this.conclude(link.session);
      },
      onFailure: (found) => {
        this.fail(found);
      },
      onRefused: (found) => {
        this.problem = found;
      },
      onUplinkLost: () => {
        const at = this.sentS.toFixed(1);
        if (this.phase === "recording") {
          void this.stop(`The connection broke after ${at} s. What was sent until then is still being transcribed.`);
        }
      },
      onSlow: (isSlow) => {
        this.isSlow = isSlow;
      },
    };
    const link = new SessionConnection(listener, browserEnvironment());
    this.link = link;
    return link;
  }

  /** The tab is there to be arranged anew, beginning with what it was asked for. */
  private finish(id: string, document: TranscriptionDocument): void {
    this.player.tuning = tuningName(document.tuning);
    this.player.capo = document.capo;
    this.versions.open(id, document);
  }

  private conclude(session: SessionState): void {
    const { ended, failed } = session;
    if (failed) {
      this.fail(problem(failed.reason, failed.message));
      return;
    }
    void this.stream?.stop();
    this.stream = null;
    this.isSlow = false;
    this.canPlay = this.sound !== null;
    this.phase = "done";
    if (ended?.reason === "drained") this.notice = "The server was stopped; the tab ends where it had to.";
    this.finish(session.sessionId, toDocument(session));
    void this.takeFinalBars(session.sessionId);
    void this.refreshEarlier();
  }

  /** Bars, chords and keys that were found in the whole piece take the place of those told while it lasted. */
  private async takeFinalBars(id: string): Promise<void> {
    const { take } = this;
    const result = await awaitResult(id, () => take === this.take);
    if (result) this.versions.complete(id, result);
  }

  private liveConfig(rateHz: number, piece: { tuning?: readonly number[]; capo?: number } = {}) {
    const audio = { encoding: "pcm_f32le", sample_rate_hz: rateHz, channel_count: 1, transcriber: "" } as const;
    return { ...audio, ...this.wishes, separation: this.separation, ...piece };
  }
}
