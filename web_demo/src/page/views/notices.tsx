/** Things to know that come and go: a newer page or catalogue, a full storage, a restart. */
import { texts } from "../../texts/index.ts";
import { Cross } from "./icons.tsx";
import { useSession } from "./session_context.ts";

export function Notices() {
  const { session, state } = useSession();
  return (
    <div class="notices" role="status">
      {state.notices.map(({ key, text, tone, action }) => (
        <div key={key} class={`notice ${tone}`}>
          <p>{text}</p>
          {action && (
            <button type="button" class="small" onClick={action.run}>
              {action.label}
            </button>
          )}
          <button
            type="button"
            class="round"
            aria-label={`${texts.page.dismiss}: ${text}`}
            onClick={() => session.store.dismiss(key)}
          >
            <Cross />
          </button>
        </div>
      ))}
    </div>
  );
}
