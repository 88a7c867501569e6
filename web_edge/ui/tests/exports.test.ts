import { describe, expect, it } from "vitest";
import { EXPORT_FORMATS, exportAddress } from "../src/lib/exports";

describe("exportAddress", () => {
  it("names the transcription and the format", () => {
    expect(exportAddress("a/b?c", "gp5")).toBe("/api/transcribe/a%2Fb%3Fc/export/gp5");
  });

  it("names the revision of a document that is shown", () => {
    expect(exportAddress("x", "mid", { id: "d 1", revision: 3 })).toBe(
      "/api/transcribe/x/export/mid?document=d+1&revision=3",
    );
  });

  it("offers every format once", () => {
    expect(EXPORT_FORMATS.map(({ name }) => name).sort()).toEqual(["gp5", "json", "mid", "musicxml", "txt"]);
  });
});
