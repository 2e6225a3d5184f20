/** Choosing and dropping files. */
import { useEffect, useRef, useState } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import { Film, Plus } from "./icons.tsx";
import { useSession } from "./session_context.ts";

const KINDS = "video/*,image/*";

/** The empty state: a large invitation. */
export function Chooser() {
  return (
    <div class="chooser">
      <span class="chooser-mark">
        <Film />
      </span>
      <h2>{texts.choose.heading}</h2>
      <p class="quiet">{texts.choose.or}</p>
      <FileButton label={texts.choose.button} primary />
      <p class="quiet small">{texts.choose.kinds}</p>
    </div>
  );
}

/** A button that opens the browser's file picker. */
export function FileButton({ label, primary = false }: { label: string; primary?: boolean }) {
  const { session } = useSession();
  return <Picker label={label} primary={primary} multiple take={(files) => session.addFiles(files)} />;
}

interface PickerProps {
  label: string;
  primary?: boolean;
  multiple?: boolean;
  take: (files: File[]) => void;
}

export function Picker({ label, primary = false, multiple = false, take }: PickerProps) {
  const input = useRef<HTMLInputElement>(null);
  const taken = () => {
    const { current } = input;
    if (current?.files?.length) take([...current.files]);
    if (current) current.value = "";
  };
  return (
    <>
      <button type="button" class={primary ? "primary large" : ""} onClick={() => input.current?.click()}>
        <Plus /> {label}
      </button>
      <input ref={input} type="file" accept={KINDS} multiple={multiple} hidden onChange={taken} aria-label={label} />
    </>
  );
}

/** The whole window takes what is dropped on it. */
export function DropTarget() {
  const { session } = useSession();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      if (event.dataTransfer) session.addFiles(event.dataTransfer.files);
    };
    addEventListener("dragenter", enter);
    addEventListener("dragover", enter);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragover", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, [session]);
  return over ? (
    <div class="drop-now" aria-hidden="true">
      <p>{texts.choose.dropNow}</p>
    </div>
  ) : null;
}
