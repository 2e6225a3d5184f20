/** Connecting this device, and sending what was decided: when somebody says so, or later where they said so offline. */
import { asProblem, isAway } from "../problems.ts";
import type { Rooms } from "../rooms.ts";
import type { Store } from "../state.ts";

/** Pauses between tries while the server is away, seconds: at first soon, then not a burden. */
const PAUSES_S = [5, 15, 30, 60];

export class Sending {
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly rooms: Rooms,
  ) {}

  /** Follow the connection; send what was to be sent later. */
  start(): void {
    addEventListener("online", () => {
      this.store.set({ online: true });
      this.#tries = 0;
      void this.#sendLater();
    });
    addEventListener("offline", () => this.store.set({ online: false }));
    this.store.set({ online: navigator.onLine });
    void this.#sendLater();
  }

  async connect(code: string): Promise<void> {
    this.store.set({ enrolling: { busy: true, problem: null } });
    try {
      await (await this.rooms.outbox()).enrol(code.trim());
      this.store.set({ enrolled: true, online: true, enrolling: { busy: false, problem: null } });
    } catch (error) {
      this.store.set({ enrolling: { busy: false, problem: asProblem(error) } });
    }
  }

  async send(): Promise<void> {
    const { sending } = this.store.state;
    if (sending.busy) return;
    this.store.set({ sending: { ...sending, busy: true, problem: null } });
    try {
      const outbox = await this.rooms.outbox();
      const { acknowledged, refused, wait_s } = await outbox.push();
      const waiting = await outbox.waiting();
      const later = waiting.events.length > 0;
      this.store.set({
        waiting,
        online: true,
        sending: { busy: false, sent: acknowledged, refused: refused.length, later, problem: null },
      });
      if (later) this.#again(wait_s ?? PAUSES_S[0]!);
    } catch (error) {
      this.#notNow(asProblem(error));
    }
  }

  #notNow(problem: ReturnType<typeof asProblem>): void {
    const later = isAway(problem);
    const sending = { busy: false, sent: 0, refused: 0, later, problem: later ? null : problem };
    this.store.set({ sending, ...(later ? { online: false } : {}) });
    if (later) this.#again(PAUSES_S[Math.min(this.#tries++, PAUSES_S.length - 1)]!);
  }

  #again(seconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#sendLater(), seconds * 1000);
  }

  async #sendLater(): Promise<void> {
    const { sending, enrolled } = this.store.state;
    if (sending.later && enrolled) await this.send();
  }
}
