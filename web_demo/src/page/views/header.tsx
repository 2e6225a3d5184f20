/** The name, the state of the line and of the catalogue, and starting over. */
import { useState } from "preact/hooks";
import { texts } from "../../texts/index.ts";
import { Dialog } from "./dialog.tsx";
import { Cloud } from "./icons.tsx";
import { useSession } from "./session_context.ts";

export function Header() {
  const { state } = useSession();
  const begun = state.items.length > 0 || state.caption !== "";
  return (
    <header class="top">
      <span class="brand">
        <span class="brand-mark" aria-hidden="true" />
        taglet
      </span>
      <div class="chips" role="status">
        {!state.online && (
          <span class="chip doubt" title={texts.page.offlineWhy}>
            <Cloud /> {texts.page.offline}
          </span>
        )}
        {state.catalogs.some(({ demo }) => demo) && (
          <span class="chip" title={texts.page.demoWhy}>
            {texts.page.demo}
          </span>
        )}
      </div>
      {begun && <StartOver />}
    </header>
  );
}

function StartOver() {
  const { session } = useSession();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button type="button" class="plain" onClick={() => setAsking(true)}>
        {texts.page.startOver}
      </button>
      {asking && (
        <Dialog title={texts.page.startOver} closed={() => setAsking(false)}>
          {(close) => (
            <>
              <p>{texts.page.startOverAsk}</p>
              <div class="row end">
                <button type="button" onClick={close}>
                  {texts.page.cancel}
                </button>
                <button type="button" class="primary danger" onClick={() => (close(), void session.startOver())}>
                  {texts.page.startOverYes}
                </button>
              </div>
            </>
          )}
        </Dialog>
      )}
    </>
  );
}
