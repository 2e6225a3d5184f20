/** A dialog of the browser's own: it keeps the focus inside, Escape closes it, and the focus goes back. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import { Cross } from "./icons.tsx";

interface DialogProps {
  title: string;
  /** Called when it was closed, in whatever way: the time to draw it no longer. */
  closed: () => void;
  children: (close: () => void) => ComponentChildren;
}

/** Open as long as it is drawn. */
export function Dialog({ title, closed, children }: DialogProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector("input")?.focus();
  }, []);
  const close = () => dialog.current?.close();
  const closeOutside = (event: MouseEvent) => event.target === dialog.current && close();
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={closed} onClick={closeOutside}>
      <div class="dialog-body">
        <div class="title">
          <h2 id={id}>{title}</h2>
          <button type="button" class="round" aria-label={texts.page.close} onClick={close}>
            <Cross />
          </button>
        </div>
        {children(close)}
      </div>
    </dialog>
  );
}
