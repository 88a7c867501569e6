/** Plays the recording of the tab on the page, with the cursor running along. */

import { Player } from "./audio/player";

export class Playback {
  isPlaying = $state(false);
  private player: Player | null = null;
  /** Counts the starts; one that was overtaken while it decoded falls silent again. */
  private start = 0;

  /** Null while nothing plays. */
  get positionS(): number | null {
    return this.player?.positionS ?? null;
  }

  /** Must be called from a user's action. @throws ProblemError when the browser cannot play it */
  async play(sound: Blob): Promise<void> {
    if (this.isPlaying) return;
    this.isPlaying = true;
    this.start += 1;
    const { start } = this;
    const context = new AudioContext();
    try {
      const player = await Player.decode(await sound.arrayBuffer(), context);
      if (start !== this.start) {
        await player.stop();
        return;
      }
      this.player = player;
      await player.start(() => void this.pause());
    } catch (error) {
      this.isPlaying = false;
      throw error;
    }
  }

  async pause(): Promise<void> {
    this.isPlaying = false;
    this.start += 1;
    const { player } = this;
    this.player = null;
    await player?.stop();
  }
}
