/** Who uses the page. On a server without accounts nobody asks. */

import { credentials, type SignedIn } from "./credentials";
import { problemOf } from "./problems";

export type Entry = "unknown" | "open" | "signed_out" | "signed_in";

export interface Preferences {
  readonly tuning: string;
  readonly difficulty: string;
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
      this.onEntered(null);
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
    const response = await credentials.fetch("/api/me/preferences").catch(() => null);
    this.onEntered(response?.ok ? ((await response.json()) as Preferences) : null);
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
