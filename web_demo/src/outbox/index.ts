/**
 * Decisions on this device, kept until the server has them; the rules are those of docs/outbox.md.
 *
 *     const outbox = createOutbox();
 *     await outbox.decide("accepted", tag, shard, space_id, null, null);
 *     const stop = keepSending(outbox);
 */
import type { DecisionEvent, Outbox, Problem, Pushed, RefusedDecision, ShardName, Tag, Waiting } from "../contract.ts";
import { hex } from "../catalog/bytes.ts";
import { Line } from "../network/line.ts";
import { failure, problemOf } from "../problem.ts";
import { batchText, eventOf, toldBy } from "./event.ts";
import { openBook, type Book, type KeptEvent, type Rows } from "./rows.ts";
import { packed, Server, TooLarge, type Result } from "./server.ts";

const MAX_BATCH = 500;
const LOCK = "taglet-push";
const CHANNEL = "taglet-outbox";
const NOBODY = "0".repeat(32);

export interface Where {
  /** Folder of the page, with a slash at its end: its server takes the events. */
  page?: URL;
  now_ms?: () => number;
  pause?: (seconds: number) => Promise<void>;
}

/** Make the outbox of this page. */
export function createOutbox(where: Where = {}): Outbox {
  return new OwnOutbox(where);
}

class OwnOutbox implements Outbox {
  private readonly line: Line;
  private readonly server: Server;
  private readonly now_ms: () => number;
  private readonly book: Promise<Book>;
  private readonly channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);
  private readonly hearing = new Set<() => void>();
  private found: Problem[] = [];

  constructor(where: Where) {
    this.line = new Line(where.page ?? new URL("./", document.baseURI));
    this.server = new Server(this.line, where.pause);
    this.now_ms = where.now_ms ?? Date.now;
    this.book = this.opened();
    this.channel?.addEventListener("message", () => this.tell(false));
  }

  async decide(
    kind: DecisionEvent["kind"],
    tag: Tag,
    shard: ShardName,
    space_id: string,
    corrected_to: string | null,
    vector: Int8Array | null,
  ): Promise<void> {
    const event = eventOf({ kind, tag, shard, space_id, corrected_to, vector }, this.now_ms(), random());
    await this.change((rows) => decideIn(rows, event));
  }

  async decisions(): Promise<ReadonlyMap<string, { kind: DecisionEvent["kind"]; corrected_to: string | null }>> {
    const kept = await this.look((rows) => rows.decisions());
    return new Map(kept.map(({ tag_id, kind, corrected_to }) => [tag_id, { kind, corrected_to }]));
  }

  async waiting(): Promise<Waiting> {
    const { events, device_id } = await this.look(async (rows) => ({
      events: waitingOf(await rows.events()).map((kept) => kept.event),
      device_id: (await rows.enrolment())?.device_id ?? NOBODY,
    }));
    const bodies = Array.from({ length: Math.ceil(events.length / MAX_BATCH) }, (_, i) =>
      batchText(events.slice(i * MAX_BATCH, (i + 1) * MAX_BATCH), device_id),
    );
    const lengths = await Promise.all(bodies.map(async (text) => (await packed(text)).body.length));
    return { events, bodies, bytes: lengths.reduce((sum, length) => sum + length, 0) };
  }

  async refused(): Promise<RefusedDecision[]> {
    const kept = await this.look((rows) => rows.events());
    return kept.filter((one) => one.state === "refused").map(({ event, reason }) => ({ event, error: reason }));
  }

  retry(): Promise<number> {
    return this.change(async (rows) => {
      const refused = (await rows.events()).filter((one) => one.state === "refused");
      for (const one of refused) await rows.putEvent({ ...one, state: "waiting" });
      return refused.length;
    });
  }

  async enrolled(): Promise<boolean> {
    return (await this.look((rows) => rows.enrolment())) !== undefined;
  }

  async enrol(code: string): Promise<void> {
    const device_id = (await this.look((rows) => rows.enrolment()))?.device_id ?? random();
    const token = await this.server.enrol(code.trim(), device_id);
    await this.change((rows) => rows.putEnrolment({ server: this.line.address.href, device_id, token }));
  }

  async push(): Promise<Pushed> {
    const none: Pushed = { sent: 0, acknowledged: 0, refused: [] };
    if (!navigator.locks) return this.pushed(none);
    return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? this.pushed(none) : none));
  }

  async forget(): Promise<void> {
    const enrolment = await this.look((rows) => rows.enrolment());
    if (enrolment) await this.server.forget(enrolment.token);
    await this.change(async (rows) => {
      const events = await rows.events();
      for (const one of events) if (one.state === "refused") await rows.dropEvent(one);
      const waiting = new Set(waitingOf(events).map((one) => one.event.event_id));
      for (const one of await rows.decisions()) if (!waiting.has(one.event_id)) await rows.dropDecision(one.tag_id);
      await rows.putEnrolment(null);
    });
  }

  changed(heard: () => void): () => void {
    this.hearing.add(heard);
    return () => this.hearing.delete(heard);
  }

  notes(): readonly Problem[] {
    return this.found;
  }

  /** Send batch after batch; what leaves is marked before, and leaves the outbox when the server has it. */
  private async pushed(counted: Pushed): Promise<Pushed> {
    const enrolment = await this.look((rows) => rows.enrolment());
    if (!enrolment)
      throw failure(
        "not_enrolled",
        "This device has no code of the server yet: enrol it, then what was decided is sent.",
      );
    let most = MAX_BATCH;
    let after = 0;
    const left = new Set<string>();
    for (;;) {
      const kept = waitingOf(await this.look((rows) => rows.events()))
        .filter((one) => one.place! > after)
        .slice(0, most);
      if (!kept.length) break;
      await this.begin(kept);
      for (const one of kept) left.add(one.event.event_id);
      counted.sent = left.size;
      try {
        const results = await this.server.push(
          batchText(
            kept.map((one) => one.event),
            enrolment.device_id,
          ),
          enrolment.token,
        );
        await this.settle(kept, results, counted);
      } catch (error) {
        if (!(error instanceof TooLarge)) throw error;
        if (kept.length > 1) {
          most = Math.ceil(kept.length / 2);
          continue;
        }
        const [{ event }] = kept as [KeptEvent];
        await this.settle(
          kept,
          [{ event_id: event.event_id, status: "refused", error: `too large for the server (${error.message})` }],
          counted,
        );
      }
      after = kept.at(-1)!.place!;
    }
    const silent = counted.sent - counted.acknowledged - counted.refused.length;
    if (silent)
      throw failure("unanswered", `${this.line.server} said nothing of ${silent} decisions: they are sent again.`, {
        server: this.line.server,
        silent,
      });
    return counted;
  }

  private begin(kept: readonly KeptEvent[]): Promise<void> {
    return this.change(async (rows) => {
      for (const one of kept) {
        const now = await rows.event(one.event.event_id);
        if (now) await rows.putEvent({ ...now, attempts: now.attempts + 1 });
      }
    });
  }

  /** Believe of the answer what is about this batch, whatever its order and however often it says it. */
  private async settle(batch: readonly KeptEvent[], results: readonly Result[], counted: Pushed): Promise<void> {
    const asked = new Set(batch.map((one) => one.event.event_id));
    const told = new Map(results.filter((one) => asked.has(one.event_id)).map((one) => [one.event_id, one]));
    await this.change(async (rows) => {
      for (const { event_id, status, error } of told.values()) {
        const kept = await rows.event(event_id);
        if (!kept) continue;
        if (status === "refused")
          await rows.putEvent({ ...kept, state: "refused", reason: error || "without a reason" });
        else await rows.dropEvent(kept);
      }
    });
    for (const { event_id, status, error } of told.values()) {
      if (status === "refused") counted.refused.push({ event_id, error: error || "without a reason" });
      else counted.acknowledged += 1;
    }
  }

  private async opened(): Promise<Book> {
    const book = await openBook(this.line.address);
    if (!book.lasting) {
      this.found.push(
        problemOf(
          failure(
            "no_storage",
            "This browser keeps nothing for this page (a private window?): decisions are sent while it is open, and are gone once it is closed.",
          ),
        ),
      );
    }
    return book;
  }

  private async look<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    return (await this.book).look(work);
  }

  private async change<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    const result = await (await this.book).change(work);
    this.tell(true);
    return result;
  }

  private tell(others: boolean): void {
    if (others) this.channel?.postMessage("changed");
    for (const heard of this.hearing) heard();
  }
}

/** Write a decision with its event: the same one changes nothing, another one replaces the event that has not left, or follows it. */
async function decideIn(rows: Rows, event: DecisionEvent): Promise<void> {
  const told = toldBy(event);
  const before = await rows.decision(event.tag_id);
  if (before?.told === told) return;
  const earlier = before && (await rows.event(before.event_id));
  if (earlier && (earlier.attempts === 0 || earlier.state === "refused")) await rows.dropEvent(earlier);
  const { tag_id, event_id, kind, corrected_to } = event;
  await rows.putDecision({ tag_id, event_id, kind, corrected_to, told });
  await rows.putEvent({ event, state: "waiting", attempts: 0, reason: "" });
}

function waitingOf(events: readonly KeptEvent[]): KeptEvent[] {
  return events.filter((one) => one.state === "waiting");
}

function random(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}
