/**
 * The line to the server that serves this page: requests that end, answers that are what they say.
 *
 *     const line = new Line(new URL("./", location.href));
 *     const { status, body } = await line.ask("metadata/timestamp.json", { most: 8_000 });
 */
import { failure, type Failure } from "../problem.ts";

const SILENCE_MS = 20_000;

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: BodyInit;
  /** Bytes that the answer may have. */
  most: number;
  /** From the page's own folder, not from the service that it talks to: the browser's cache may answer. */
  ownFile?: boolean;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
}

/** Asks one server and counts what it answers. */
export class Line {
  /** Bytes of bodies that came so far. */
  received = 0;

  constructor(
    readonly address: URL,
    private readonly fetched: typeof fetch = (...asked) => fetch(...asked),
  ) {}

  /** Name of the server for sentences. */
  get server(): string {
    return this.address.host || this.address.href;
  }

  /**
   * Return the answer, whatever its status. Fails with `offline` where there is none, `captive` where a web page comes
   * instead of what was asked for, and `too_long` where it does not end.
   */
  async ask(path: string, asked: Asked): Promise<Answer> {
    const ended = new AbortController();
    const watch = new Watch(ended, SILENCE_MS);
    try {
      const answer = await this.fetched(new URL(path, this.address), {
        method: asked.method ?? "GET",
        headers: asked.headers ?? {},
        body: asked.body ?? null,
        cache: asked.ownFile ? "default" : "no-store",
        credentials: "omit",
        redirect: "manual",
        signal: ended.signal,
      });
      if (answer.type === "opaqueredirect" || (answer.ok && isPage(answer))) throw captive(this.server);
      return { status: answer.status, headers: answer.headers, body: await this.whole(answer, asked.most, watch) };
    } catch (error) {
      throw error instanceof Error && error.name in { captive: 1, too_long: 1 } ? error : offline(this.server);
    } finally {
      watch.end();
    }
  }

  private async whole(answer: Response, most: number, watch: Watch): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    const reader = answer.body?.getReader();
    for (;;) {
      const step = await reader?.read();
      if (!step || step.done) break;
      watch.heard();
      length += step.value.length;
      this.received += step.value.length;
      if (length > most) {
        await reader?.cancel();
        throw failure("too_long", `${this.server} sends more than it should: nothing of it was used.`, {
          server: this.server,
        });
      }
      pieces.push(step.value);
    }
    const body = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      body.set(piece, at);
      at += piece.length;
    }
    return body;
  }
}

/** Ends a request of which nothing was heard for a while. */
class Watch {
  private timer: ReturnType<typeof setTimeout>;

  constructor(
    private readonly ended: AbortController,
    private readonly silence_ms: number,
  ) {
    this.timer = this.started();
  }

  heard(): void {
    clearTimeout(this.timer);
    this.timer = this.started();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private started(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.ended.abort(), this.silence_ms);
  }
}

function isPage(answer: Response): boolean {
  return (answer.headers.get("content-type") ?? "").startsWith("text/html");
}

function offline(server: string): Failure {
  return failure("offline", `${server} cannot be reached: everything that is here goes on working, try again later.`, {
    server,
  });
}

function captive(server: string): Failure {
  return failure(
    "captive",
    `${server} answers with a web page where data was asked for: sign in to this network, or check the address.`,
    { server },
  );
}

/** A server that answers, but not now. */
export function busy(server: string, status: number): Failure {
  return failure(
    "busy",
    `${server} cannot answer at the moment (status ${status}): nothing is lost, try again later.`,
    { server, status },
  );
}
