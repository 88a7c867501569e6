import { describe, expect, it } from "vitest";
import { Credentials, type Backend } from "../src/lib/credentials";

/** A server with one account: tokens count until `expire`, a refresh gives the next. */
class FakeServer implements Backend {
  readonly asked: { path: string; token: string | null }[] = [];
  canRefresh = true;
  private good = "";
  private made = 0;
  private turn: Promise<unknown> = Promise.resolve();

  expire(): void {
    this.good = "";
  }

  fetch(path: string, init: RequestInit): Promise<Response> {
    const token = new Headers(init.headers).get("Authorization");
    this.asked.push({ path, token });
    if (path === "/auth/refresh" && !this.canRefresh) return answer(401);
    if (path.startsWith("/auth/")) {
      this.good = `Bearer t${(this.made += 1)}`;
      return answer(200, { access_token: `t${this.made}`, user: { email: "a@example.com" } });
    }
    if (token !== this.good || !token) return answer(401, { reason: "TOKEN_INVALID", detail: "Sign in again." });
    return answer(path === "/api/tickets" ? 201 : 200, { protocols: ["genesis.v1", "ticket.x"] });
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.turn.then(work);
    this.turn = next.catch(() => undefined);
    return next;
  }

  count(path: string): number {
    return this.asked.filter((one) => one.path === path).length;
  }
}

function answer(status: number, body: object = {}): Promise<Response> {
  return Promise.resolve(new Response(JSON.stringify(body), { status }));
}

describe("credentials", () => {
  it("show nothing where there are no accounts", async () => {
    const server = new FakeServer();
    const credentials = new Credentials(server);
    expect((await credentials.fetch("/api/x")).status).toBe(401);
    expect(server.asked).toEqual([{ path: "/api/x", token: null }]);
    expect(await credentials.protocols()).toEqual([]);
  });

  it("renew a token that has expired, and ask again", async () => {
    const server = new FakeServer();
    const credentials = new Credentials(server);
    await credentials.enter("login", "a@example.com", "a long password");
    server.expire();
    expect((await credentials.fetch("/api/x")).status).toBe(200);
    expect(server.asked.map(({ path, token }) => [path, token])).toEqual([
      ["/auth/login", null],
      ["/api/x", "Bearer t1"],
      ["/auth/refresh", null],
      ["/api/x", "Bearer t2"],
    ]);
  });

  it("renew one after the other, never with the same cookie at the same time", async () => {
    const server = new FakeServer();
    const credentials = new Credentials(server);
    await credentials.enter("login", "a@example.com", "a long password");
    server.expire();
    const answers = await Promise.all(Array.from({ length: 5 }, () => credentials.fetch("/api/x")));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(server.count("/auth/refresh")).toBe(1);
  });

  it("say so when the sign-in has ended", async () => {
    const server = new FakeServer();
    const credentials = new Credentials(server);
    let lost = 0;
    credentials.onLost = () => {
      lost += 1;
    };
    await credentials.enter("register", "a@example.com", "a long password");
    server.expire();
    server.canRefresh = false;
    expect((await credentials.fetch("/api/x")).status).toBe(401);
    expect([lost, credentials.hasToken]).toEqual([1, false]);
  });

  it("bring a ticket for each socket", async () => {
    const server = new FakeServer();
    const credentials = new Credentials(server);
    await credentials.enter("login", "a@example.com", "a long password");
    expect(await credentials.protocols()).toEqual(["genesis.v1", "ticket.x"]);
    await credentials.protocols();
    expect(server.count("/api/tickets")).toBe(2);
  });
});
