/** What the page shows to the server: a short access token in memory, renewed with a cookie that no script can read. */

import { parseProblem, problem, ProblemError, type Problem } from "./problems";

export interface SignedIn {
  readonly access_token: string;
  readonly user: { readonly email: string };
}

/** What is needed of the world; tests bring their own. */
export interface Backend {
  fetch(path: string, init: RequestInit): Promise<Response>;
  /** Runs `work` while no other tab of this page runs its own. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

const browser: Backend = {
  fetch: (path, init) => fetch(path, init),
  alone: (work) => navigator.locks.request("genesis.refresh", work),
};

export class Credentials {
  private token = "";
  private lostToken = "";
  /** Called when the sign-in has ended without being asked to. */
  onLost: () => void = () => undefined;

  constructor(private readonly backend: Backend = browser) {}

  get hasToken(): boolean {
    return this.token !== "";
  }

  /** Adds the token to a request; the server's refusal of an old one is answered by a new one, once. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const shown = this.token;
    const response = await this.backend.fetch(path, this.with(init));
    if (response.status !== 401 || !shown) return response;
    const isNew = await this.backend.alone(async () => this.token !== shown || (await this.ask()) !== null);
    if (!isNew) {
      // Whoever waited behind the one that failed finds no token either; it is told once.
      if (shown === this.lostToken) return response;
      this.lostToken = shown;
      this.onLost();
      return response;
    }
    if (!this.token) return response;
    return this.backend.fetch(path, this.with(init));
  }

  /** A new token for the cookie, if there is a sign-in; who it is, null for nobody. */
  async renew(): Promise<SignedIn | null> {
    // A refresh token is good once: tabs that used the same one would end the sign-in of them all.
    return this.backend.alone(() => this.ask());
  }

  async enter(kind: "login" | "register", email: string, password: string): Promise<SignedIn> {
    const response = await this.backend.fetch(`/auth/${kind}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password, cookie: true }),
    });
    if (!response.ok) throw new ProblemError(await problemIn(response));
    return this.keep((await response.json()) as SignedIn);
  }

  async leave(): Promise<void> {
    this.token = "";
    await this.backend.fetch("/auth/logout", {
      method: "POST",
      headers: { "Genesis-CSRF": "1", "Content-Type": "application/json" },
      body: "{}",
    });
  }

  /** Subprotocols that open one WebSocket; none on a server without accounts. */
  async protocols(): Promise<string[]> {
    if (!this.token) return [];
    const response = await this.fetch("/api/tickets", { method: "POST" });
    if (!response.ok) throw new ProblemError(await problemIn(response));
    return ((await response.json()) as { protocols: string[] }).protocols;
  }

  /** To be called by one at a time. */
  private async ask(): Promise<SignedIn | null> {
    const response = await this.backend.fetch("/auth/refresh", {
      method: "POST",
      headers: { "Genesis-CSRF": "1", "Content-Type": "application/json" },
      body: "{}",
    });
    if (response.ok) return this.keep((await response.json()) as SignedIn);
    this.token = "";
    return null;
  }

  private keep(signedIn: SignedIn): SignedIn {
    this.token = signedIn.access_token;
    return signedIn;
  }

  private with(init: RequestInit): RequestInit {
    if (!this.token) return init;
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.token}`);
    return { ...init, headers };
  }
}

/** Of this page. */
export const credentials = new Credentials();

export async function problemIn(response: Response): Promise<Problem> {
  const otherwise = problem("INTERNAL", `The server answered ${response.status} without saying why.`, response.status);
  return parseProblem(await response.json().catch(() => null), otherwise);
}
