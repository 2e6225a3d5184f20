/** What this device says to the server, and what the answers mean (docs/formats/event.md, On the line). */
import type { Line, Answer } from "../network/line.ts";
import { failure, Failure } from "../problem.ts";

const ATTEMPTS = 4;
const FIRST_PAUSE_S = 0.5;
const LONGEST_WAIT_S = 60;
const MAX_ANSWER_BYTES = 64_000_000;

export interface Result {
  event_id: string;
  status: "stored" | "duplicate" | "refused";
  error: string;
}

/** The batch is more than the server takes at once. */
export class TooLarge extends Error {}

export class Server {
  constructor(
    private readonly line: Line,
    private readonly pause: (seconds: number) => Promise<void> = (seconds) =>
      new Promise((done) => setTimeout(done, seconds * 1000)),
  ) {}

  /** Exchange a one-time code for a token. Fails with `code_refused` where the server does not take it. */
  async enrol(code: string, device_id: string): Promise<string> {
    const body = JSON.stringify({ code, device_id });
    const answer = await this.persistently(() =>
      this.ask("POST", "api/v1/enrol", { body, headers: { "Content-Type": "application/json" } }),
    );
    if (answer.status !== 201 && answer.status !== 200) {
      throw failure("code_refused", `${this.line.server}: ${said(answer)}.`, {
        server: this.line.server,
        said: said(answer),
      });
    }
    const token = valueOf(answer)?.token;
    if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) throw this.stranger();
    return token;
  }

  /** Send a batch; `TooLarge` where it must be sent in pieces. */
  async push(text: string, token: string): Promise<Result[]> {
    const { body, packing } = await packed(text);
    const headers = {
      "Content-Type": "application/json",
      Authorization: `Bearer ${token}`,
      ...(packing ? { "Content-Encoding": packing } : {}),
    };
    const answer = await this.persistently(() => this.ask("POST", "api/v1/events", { body, headers }));
    if (answer.status === 413) throw new TooLarge(said(answer));
    if (answer.status !== 200) throw this.refusal(answer);
    const results = valueOf(answer)?.results;
    if (!Array.isArray(results) || !results.every(isResult)) throw this.stranger();
    return results.map((one) => ({
      event_id: one.event_id,
      status: one.status,
      error: (one.error ?? "").slice(0, 300),
    }));
  }

  /** Have everything deleted that the server stores of this device; a token that it does not know is deleted already. */
  async forget(token: string): Promise<void> {
    const answer = await this.persistently(() =>
      this.ask("DELETE", "api/v1/device", { headers: { Authorization: `Bearer ${token}` } }),
    );
    if (![200, 204, 401].includes(answer.status)) throw this.refusal(answer);
  }

  private ask(
    method: string,
    path: string,
    more: { body?: BodyInit; headers: Record<string, string> },
  ): Promise<Answer> {
    return this.line.ask(path, { method, most: MAX_ANSWER_BYTES, ...more });
  }

  /** Ask again what may pass (no connection, 429, 5xx), after pauses that double, with full jitter, never sooner than Retry-After. */
  private async persistently(ask: () => Promise<Answer>): Promise<Answer> {
    for (let failures = 0; ; failures++) {
      let wait_s = 0;
      let problem: Failure;
      try {
        const answer = await ask();
        if (answer.status !== 429 && answer.status < 500) return answer;
        wait_s = retryAfter(answer.headers);
        const said_ = said(answer);
        problem = failure("busy", `${this.line.server}: ${said_}. Nothing is lost, it is sent later.`, {
          server: this.line.server,
          said: said_,
          wait_s,
        });
      } catch (error) {
        if (!(error instanceof Failure) || error.name !== "offline") throw error;
        problem = error;
      }
      if (wait_s > LONGEST_WAIT_S || failures === ATTEMPTS - 1) throw problem;
      await this.pause(wait_s + Math.random() * FIRST_PAUSE_S * 2 ** failures);
    }
  }

  private refusal(answer: Answer): Failure {
    const { server } = this.line;
    if (answer.status === 401) {
      return failure(
        "token_unknown",
        `${server} does not know this device any more: ask for a new code and enrol again. What was decided stays here.`,
        { server },
      );
    }
    return failure("refused", `${server}: ${said(answer)}. What was decided stays here.`, {
      server,
      said: said(answer),
    });
  }

  private stranger(): Failure {
    const { server } = this.line;
    return failure(
      "stranger",
      `${server} answers as no server of this kit does: check the address. What was decided stays here.`,
      { server },
    );
  }
}

/** Return a body as it travels: gzip, which every browser can make (RFC 1952), where it can; the server takes both. */
export async function packed(text: string): Promise<{ body: Uint8Array<ArrayBuffer>; packing: string | null }> {
  const plain = new TextEncoder().encode(text);
  if (typeof CompressionStream === "undefined") return { body: plain, packing: null };
  const stream = new Blob([plain]).stream().pipeThrough(new CompressionStream("gzip"));
  return { body: new Uint8Array(await new Response(stream).arrayBuffer()), packing: "gzip" };
}

/** Return how long a server asks to wait: seconds, or a date that is held against the server's own clock (RFC 9110, 10.2.3). */
export function retryAfter(headers: Headers): number {
  const asked = (headers.get("retry-after") ?? "").trim();
  if (/^[0-9]{1,9}$/.test(asked)) return Number(asked);
  const seconds = (Date.parse(asked) - Date.parse(headers.get("date") ?? "")) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.max(0, seconds);
}

function valueOf(answer: Answer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(answer.body));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function said(answer: Answer): string {
  const sentence = valueOf(answer)?.error;
  return typeof sentence === "string" && sentence
    ? sentence.slice(0, 200).replace(/\p{C}/gu, " ")
    : `status ${answer.status}`;
}

function isResult(value: unknown): value is { event_id: string; status: Result["status"]; error?: string | null } {
  const one = value as Record<string, unknown> | null;
  return (
    typeof one === "object" &&
    one !== null &&
    (typeof one.event_id === "string" || one.event_id === null) &&
    ["stored", "duplicate", "refused"].includes(one.status as string) &&
    ["string", "undefined"].includes(typeof (one.error ?? undefined))
  );
}
