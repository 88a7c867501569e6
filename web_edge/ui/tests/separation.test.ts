import { describe, expect, it } from "vitest";
import type { SeparationChosen } from "../src/lib/events";
import { rememberedSeparation, rememberSeparation, separationLine } from "../src/lib/separation";

function chosen(separation: SeparationChosen["separation"], cause: string, start = 0): SeparationChosen {
  return { kind: "separation", separation, start, cause, latency: 0 };
}

describe("what became of a voice", () => {
  it("is told where something was asked for", () => {
    expect(separationLine(null)).toBe("");
    expect(separationLine(chosen("vocals_removed", "asked"))).toBe("The voice is taken out");
    expect(separationLine(chosen("vocals_removed", "voice", 66_150))).toBe("The voice is taken out from 0:03 on");
    expect(separationLine(chosen("guitar", "asked"))).toBe("Only the guitar is heard");
    for (const cause of ["no_voice", "too_short", "no_separator", "too_slow"])
      expect(separationLine(chosen("off", cause))).toContain("as recorded");
  });
});

describe("the choice", () => {
  it("is remembered; what nobody knows is as recorded", () => {
    const kept: Record<string, string> = {};
    const place = {
      getItem: (key: string): string | null => kept[key] ?? null,
      setItem: (key: string, value: string): void => {
        kept[key] = value;
      },
    };
    expect(rememberedSeparation(place)).toBe("off");
    rememberSeparation(place, "auto");
    expect(rememberedSeparation(place)).toBe("auto");
    kept["genesis.separation"] = "drums";
    expect(rememberedSeparation(place)).toBe("off");
  });
});
