/** What a person says of suggestions, and which products the post has beside them. */
import type { Outbox, Shown, Tag } from "../../contract.ts";
import { asProblem, sentence } from "../problems.ts";
import type { Rooms } from "../rooms.ts";
import { type ProductRef, sameProduct } from "../rules/post.ts";
import type { DecisionKind, Item, Store } from "../state.ts";

export class Deciding {
  constructor(
    private readonly store: Store,
    private readonly rooms: Rooms,
  ) {}

  /** Show what was decided before, and hear of what other tabs decide. */
  async start(): Promise<void> {
    const outbox = await this.rooms.outbox();
    outbox.changed(() => void this.#refresh(outbox));
    for (const problem of outbox.notes()) {
      this.store.notice({ key: problem.name, text: sentence(problem), tone: "warn" });
    }
    await this.#refresh(outbox);
  }

  /** Decide on a tag. It shows at once; the vector is sent along only where `shared` says so. */
  async decide(kind: DecisionKind, tag: Tag, corrected_to: string | null = null, shared = false): Promise<void> {
    const item = this.#itemOf(tag.tag_id);
    const document = item?.found?.document;
    const shard = document?.shards[tag.shard];
    if (!document || !shard) return;
    const decisions = new Map(this.store.state.decisions).set(tag.tag_id, { kind, corrected_to });
    this.store.set({ decisions });
    try {
      const outbox = await this.rooms.outbox();
      const vector = shared ? (shownOf(item, tag.tag_id)?.vector ?? null) : null;
      await outbox.decide(kind, tag, shard, document.bundle.space_id, corrected_to, vector);
      await this.#refresh(outbox);
    } catch (error) {
      const problem = asProblem(error);
      this.store.notice({ key: problem.name, text: sentence(problem), tone: "warn" });
    }
  }

  /** Accept every clear match that nobody has decided on. */
  async acceptSure(): Promise<void> {
    for (const tag of undecided(this.store)) if (tag.status === "match") await this.decide("accepted", tag);
  }

  /** Let what the object of a decision looks like be sent along, or not. */
  async share(tag_id: string, shared: boolean): Promise<void> {
    const tag = this.#itemOf(tag_id)?.found?.document.sources.flatMap(({ tags }) => tags).find((tag) => tag.tag_id === tag_id);
    const decision = this.store.state.decisions.get(tag_id);
    if (tag && decision) await this.decide(decision.kind, tag, decision.corrected_to, shared);
  }

  /** Say whether there is something to share of a tag on this device. */
  sharable(tag_id: string): boolean {
    const item = this.#itemOf(tag_id);
    return item !== undefined && shownOf(item, tag_id)?.vector != null;
  }

  /** Put a product into the post, also one that was left out before. */
  addProduct({ catalog, product_id }: ProductRef): void {
    const product = { catalog, product_id };
    const { added, leftOut } = this.store.state;
    const others = (products: readonly ProductRef[]) => products.filter((other) => !sameProduct(other, product));
    this.store.set({ added: [...others(added), product], leftOut: others(leftOut) });
  }

  /** Take a product out of the post; what was decided of its tags stays said. */
  removeProduct({ catalog, product_id }: ProductRef): void {
    const product = { catalog, product_id };
    const { added, leftOut } = this.store.state;
    this.store.set({ added: added.filter((other) => !sameProduct(other, product)), leftOut: [...leftOut, product] });
  }

  async #refresh(outbox: Outbox): Promise<void> {
    const [decisions, waiting, enrolled] = await Promise.all([outbox.decisions(), outbox.waiting(), outbox.enrolled()]);
    this.store.set({ decisions, waiting, enrolled });
  }

  #itemOf(tag_id: string): Item | undefined {
    return this.store.state.items.find((item) => shownOf(item, tag_id) !== undefined);
  }
}

/** Return the tags of the post that nobody has decided on, in order. */
export function undecided({ state }: Store): Tag[] {
  const sources = state.items.flatMap((item) => item.found?.document.sources ?? []);
  return sources.flatMap(({ tags }) => tags).filter((tag) => !state.decisions.has(tag.tag_id));
}

function shownOf(item: Item, id: string): Shown | undefined {
  return item.found?.shown.find((shown) => shown.id === id);
}
