/** What is found in the whole of a piece once it is over: the database is written a moment after the log ends. */

import { fetchResult } from "./api";
import type { TranscriptionDocument } from "./document";
import { problemOf } from "./problems";

const PATIENCE = 20;
const WAIT_MS = 500;

/** @returns null where nobody waits for it any more, or it could not be had */
export async function awaitResult(id: string, isWanted: () => boolean): Promise<TranscriptionDocument | null> {
  for (let patience = PATIENCE; patience > 0 && isWanted(); patience--) {
    try {
      const result = await fetchResult(id);
      return isWanted() ? result : null;
    } catch (error) {
      if (problemOf(error).reason !== "RESULT_NOT_READY") {
        // The tab is there, with the bars that were told live.
        console.warn("The bars of the whole piece could not be had.", error);
        return null;
      }
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
  return null;
}
