/** A gate that work waits at while it is shut: a hidden tab rests. */

export interface Gate {
  isShut(): boolean;
  shut(whether: boolean): void;
  /** Let those who wait look again, whether it opens or not. */
  wake(): void;
  /** Resolves when the gate opens, or `wake` is called. */
  opened(): Promise<void>;
}

/** Make an open gate. */
export function gate(): Gate {
  let is_shut = false;
  let waiting: (() => void)[] = [];
  const wake = () => {
    const woken = waiting;
    waiting = [];
    woken.forEach((go) => go());
  };
  return {
    isShut: () => is_shut,
    shut(whether) {
      is_shut = whether;
      if (!whether) wake();
    },
    wake,
    opened: () => (is_shut ? new Promise((go) => waiting.push(go)) : Promise.resolve()),
  };
}
