/** Puts the page together over its rooms. */
import { render } from "preact";
import { language, texts } from "../texts/index.ts";
import type { Rooms } from "./rooms.ts";
import { Session } from "./session.ts";
import { PageView } from "./views/page.tsx";
import { SessionContext } from "./views/session_context.ts";

/** Draw the page into an element and bring back what was left there. */
export async function mount(rooms: Rooms, element: HTMLElement): Promise<Session> {
  document.documentElement.lang = language;
  document.title = `${texts.identify.switch} – taglet`;
  const session = new Session(rooms);
  await session.start(() => {
    render(
      <SessionContext.Provider value={session}>
        <PageView />
      </SessionContext.Provider>,
      element,
    );
  });
  return session;
}
