/** Who uses the page. On a server without accounts nobody asks. */

import { credentials, type SignedIn } from "./credentials";
import { problemOf } from "./problems";

export type Entry = "unknown" | "open" | "signed_out" | "signed_in";

export interface Preferences {
  readonly tuning: string;
  readonly difficulty: string;
  readonly theme: string;
  readonly notation: string;
}

export class Account {
  entry = $state<Entry>("unknown");
  mayRegister = $state(false);
  email = $state("");
  complaint = $state("");
  isBusy = $state(false);

  /** @param onEntered what to do once somebody may use the page; with what they have chosen, if that is known. */
  constructor(private readonly onEntered: (preferences: Preferences | null) => void) {
    credentials.onLost = () => {
      this.entry = "signed_out";
      this.complaint = "You have been signed out. Sign in again.";
    };
  }

  async begin(): Promise<void> {
    const status = await this.status();
    this.mayRegister = status.registration;
    if (!status.accounts) {
      this.entry = "open";
      this.onEntered(await this.preferences());
      return;
    }
    const signedIn = await credentials.renew().catch(() => null);
    if (signedIn) await this.enter(signedIn);
    else this.entry = "signed_out";
  }

  async submit(kind: "login" | "register", email: string, password: string): Promise<void> {
    this.isBusy = true;
    this.complaint = "";
    try {
      await this.enter(await credentials.enter(kind, email, password));
    } catch (error) {
      this.complaint = problemOf(error).detail;
    } finally {
      this.isBusy = false;
    }
  }

  async leave(): Promise<void> {
    await credentials.leave().catch(() => undefined);
    // What is on the page is the one's who has left.
    location.reload();
  }

  private async enter(signedIn: SignedIn): Promise<void> {
    this.email = signedIn.user.email;
    this.entry = "signed_in";
    this.onEntered(await this.preferences());
  }

  /** Keeps a choice with the account; on this page it holds already. */
  async choose(changes: Partial<Preferences>): Promise<void> {
    const headers = { "Content-Type": "application/json" };
    const init = { method: "PATCH", headers, body: JSON.stringify(changes) };
    const response = await credentials.fetch("/api/me/preferences", init).catch(() => null);
    if (!response?.ok) console.warn("A choice could not be kept.", changes);
  }

  private async preferences(): Promise<Preferences | null> {
    const response = await credentials.fetch("/api/me/preferences").catch(() => null);
    return response?.ok ? ((await response.json()) as Preferences) : null;
  }

  private async status(): Promise<{ accounts: boolean; registration: boolean }> {
    try {
      const response = await fetch("/auth/status");
      if (response.ok) return (await response.json()) as { accounts: boolean; registration: boolean };
    } catch {
      // A server that is away says so where something is asked of it.
    }
    return { accounts: false, registration: false };
  }
}
