/** What went wrong, as RFC 9457 problems from the server or as our own. */

export interface Problem {
  /** UPPER_SNAKE, the same on every door of the product. */
  readonly reason: string;
  /** A sentence for a person, saying what to do. */
  readonly detail: string;
  readonly status: number;
}

/** A failure whose message is a sentence for a person. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "ProblemError";
  }
}

export function problem(reason: string, detail: string, status = 0): Problem {
  return { reason, detail, status };
}

/** Reads a problem document; anything else becomes `otherwise`. */
export function parseProblem(data: unknown, otherwise: Problem): Problem {
  if (typeof data !== "object" || data === null) return otherwise;
  const { reason, detail, title, status } = data as Record<string, unknown>;
  const sentence = typeof detail === "string" && detail ? detail : title;
  if (typeof sentence !== "string" || !sentence) return otherwise;
  return {
    reason: typeof reason === "string" ? reason : otherwise.reason,
    detail: sentence,
    status: typeof status === "number" ? status : otherwise.status,
  };
}

/** Whether trying again later may help (a neighbour was away), as against a request that will never succeed. */
export function isPassing({ status }: Problem): boolean {
  return status === 503 || status === 429;
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return problem("INTERNAL", `Something unexpected happened on this page: ${detail}`);
}
