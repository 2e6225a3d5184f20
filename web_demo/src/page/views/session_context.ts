/** How views reach the session and follow its state. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Session } from "../session.ts";
import type { State } from "../state.ts";

export const SessionContext = createContext<Session | null>(null);

/** Return the session and its present state; the view is drawn anew when it changes. */
export function useSession(): { session: Session; state: State } {
  const session = useContext(SessionContext);
  if (!session) throw new Error("a view outside of the page");
  const [, drawAnew] = useState(0);
  useEffect(() => session.store.subscribe(() => drawAnew((count) => count + 1)), [session]);
  return { session, state: session.store.state };
}
