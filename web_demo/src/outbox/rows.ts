/**
 * Where decisions and events are kept: IndexedDB, everything of one change in one transaction, flushed to the disk.
 *
 * Where the browser keeps nothing (a private window), the same rows in memory, which end with the page.
 */
import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction } from "idb";
import type { DecisionEvent } from "../contract.ts";
import { failure } from "../problem.ts";

const NAME = "taglet-outbox";
const STORES = ["events", "decisions", "device"] as const;

/** An event that waits, or that the server refused. */
export interface KeptEvent {
  /** Counts up: events are sent in the order of their decisions. */
  place?: number;
  event: DecisionEvent;
  state: "waiting" | "refused";
  /** Raised before the first byte leaves: a decision is taken back silently only as long as nobody can have heard of it. */
  attempts: number;
  reason: string;
}

/** The decision that stands on a tag. */
export interface KeptDecision {
  tag_id: string;
  event_id: string;
  kind: DecisionEvent["kind"];
  corrected_to: string | null;
  told: string;
}

/** Whose device this is. */
export interface Enrolment {
  server: string;
  device_id: string;
  token: string;
}

interface Schema extends DBSchema {
  events: { key: number; value: KeptEvent; indexes: { event_id: string } };
  decisions: { key: string; value: KeptDecision };
  device: { key: string; value: Enrolment };
}

/** What can be done within one transaction. */
export interface Rows {
  decision(tag_id: string): Promise<KeptDecision | undefined>;
  decisions(): Promise<KeptDecision[]>;
  putDecision(decision: KeptDecision): Promise<void>;
  dropDecision(tag_id: string): Promise<void>;
  event(event_id: string): Promise<KeptEvent | undefined>;
  /** All events, oldest first. */
  events(): Promise<KeptEvent[]>;
  putEvent(event: KeptEvent): Promise<void>;
  dropEvent(event: KeptEvent): Promise<void>;
  enrolment(): Promise<Enrolment | undefined>;
  putEnrolment(enrolment: Enrolment | null): Promise<void>;
}

export interface Book {
  /** Whether rows outlive the page. */
  readonly lasting: boolean;
  /** Do a piece of work whole or not at all. */
  change<T>(work: (rows: Rows) => Promise<T>): Promise<T>;
  look<T>(work: (rows: Rows) => Promise<T>): Promise<T>;
}

/** Open the book of the page in a folder. */
export async function openBook(base: URL): Promise<Book> {
  try {
    const database = await openDB<Schema>(NAME + base.pathname, 1, {
      upgrade(fresh) {
        fresh
          .createObjectStore("events", { keyPath: "place", autoIncrement: true })
          .createIndex("event_id", "event.event_id", { unique: true });
        fresh.createObjectStore("decisions", { keyPath: "tag_id" });
        fresh.createObjectStore("device");
      },
      blocking(_current, _blocked, versionChange) {
        (versionChange.target as IDBDatabase).close();
      },
    });
    return new Lasting(database);
  } catch {
    return new Passing();
  }
}

class Lasting implements Book {
  readonly lasting = true;

  constructor(private readonly database: IDBPDatabase<Schema>) {}

  async change<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    const transaction = this.database.transaction(STORES, "readwrite", { durability: "strict" });
    try {
      const result = await work(rowsOf(transaction));
      await transaction.done;
      return result;
    } catch (error) {
      transaction.done.catch(() => undefined);
      try {
        transaction.abort();
      } catch {
        // it has ended by itself
      }
      throw isFull(error) || isFull(transaction.error) ? full() : error;
    }
  }

  async look<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    return work(rowsOf(this.database.transaction(STORES, "readonly") as unknown as Transaction));
  }
}

type Transaction = IDBPTransaction<Schema, typeof STORES, "readwrite">;

function rowsOf(transaction: Transaction): Rows {
  const [events, decisions, device] = STORES.map((name) => transaction.objectStore(name)) as unknown as [
    ReturnType<typeof transaction.objectStore<"events">>,
    ReturnType<typeof transaction.objectStore<"decisions">>,
    ReturnType<typeof transaction.objectStore<"device">>,
  ];
  return {
    decision: (tag_id) => decisions.get(tag_id),
    decisions: () => decisions.getAll(),
    putDecision: async (decision) => void (await decisions.put(decision)),
    dropDecision: (tag_id) => decisions.delete(tag_id),
    event: (event_id) => events.index("event_id").get(event_id),
    events: () => events.getAll(),
    putEvent: async (event) => void (await events.put(event)),
    dropEvent: async (event) => events.delete(event.place!),
    enrolment: () => device.get("enrolment"),
    putEnrolment: async (enrolment) =>
      enrolment ? void (await device.put(enrolment, "enrolment")) : device.delete("enrolment"),
  };
}

/** Rows in memory: a change works on a copy, which takes the place of the old ones at its end. */
class Passing implements Book {
  readonly lasting = false;
  private kept = {
    events: [] as KeptEvent[],
    decisions: new Map<string, KeptDecision>(),
    enrolment: undefined as Enrolment | undefined,
  };
  private next = 1;
  private last: Promise<unknown> = Promise.resolve();

  change<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    const mine = this.last.then(async () => {
      const copy = structuredClone(this.kept);
      const result = await work(this.rows(copy));
      this.kept = copy;
      return result;
    });
    this.last = mine.catch(() => undefined);
    return mine;
  }

  look<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    return work(this.rows(structuredClone(this.kept)));
  }

  private rows(kept: typeof this.kept): Rows {
    return {
      decision: async (tag_id) => kept.decisions.get(tag_id),
      decisions: async () => [...kept.decisions.values()],
      putDecision: async (decision) => void kept.decisions.set(decision.tag_id, decision),
      dropDecision: async (tag_id) => void kept.decisions.delete(tag_id),
      event: async (event_id) => kept.events.find((one) => one.event.event_id === event_id),
      events: async () => [...kept.events],
      putEvent: async (event) => {
        const place = event.place ?? this.next++;
        kept.events = [...kept.events.filter((one) => one.place !== place), { ...event, place }].sort(
          (a, b) => a.place! - b.place!,
        );
      },
      dropEvent: async (event) => void (kept.events = kept.events.filter((one) => one.place !== event.place)),
      enrolment: async () => kept.enrolment,
      putEnrolment: async (enrolment) => void (kept.enrolment = enrolment ?? undefined),
    };
  }
}

function isFull(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}

function full(): Error {
  return failure(
    "storage_full",
    "There is no room on this device, so this was not kept: free some space and decide again. What was decided before is still here.",
  );
}
