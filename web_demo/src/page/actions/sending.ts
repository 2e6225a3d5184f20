/** Connecting this device, and sending what was decided: when somebody says so, or later where they said so offline. */
import type { Problem } from "../../contract.ts";
import { asProblem, isAway } from "../problems.ts";
import type { Rooms } from "../rooms.ts";
import type { Store } from "../state.ts";

export class Sending {
  #stop: (() => void) | null = null;

  constructor(
    private readonly store: Store,
    private readonly rooms: Rooms,
  ) {}

  /** Follow the connection; send what was to be sent later. */
  start(): void {
    const follow = () => this.store.set({ online: navigator.onLine });
    addEventListener("online", follow);
    addEventListener("offline", follow);
    follow();
    if (this.store.state.sending.later) void this.#keepTrying();
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

  /** Send what is shown as waiting, now. */
  async send(): Promise<void> {
    const { sending } = this.store.state;
    if (sending.busy) return;
    this.store.set({ sending: { ...sending, busy: true, problem: null } });
    try {
      const outbox = await this.rooms.outbox();
      const { acknowledged, refused } = await outbox.push();
      this.#went({ sent: acknowledged, refused: refused.length });
    } catch (error) {
      this.#notNow(asProblem(error));
    }
  }

  #went({ sent, refused }: { sent: number; refused: number }): void {
    this.#stop?.();
    this.#stop = null;
    this.store.set({ online: true, sending: { busy: false, sent, refused, later: false, problem: null } });
  }

  #notNow(problem: Problem): void {
    const later = isAway(problem);
    const sending = { busy: false, sent: 0, refused: 0, later, problem: later ? null : problem };
    this.store.set({ sending, ...(later ? { online: false } : {}) });
    if (later) void this.#keepTrying();
  }

  /** Try again, later and later, until it has gone. */
  async #keepTrying(): Promise<void> {
    if (this.#stop) return;
    const { keepSending } = await import("../../outbox/sending.ts");
    const outbox = await this.rooms.outbox();
    const waited = (await outbox.waiting()).events.length;
    this.#stop = keepSending(outbox, (problem) => {
      if (problem === null) this.#went({ sent: waited, refused: 0 });
      else if (!isAway(problem)) this.store.set({ sending: { ...this.store.state.sending, problem } });
    });
  }
}
