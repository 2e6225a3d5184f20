/** The page from top to bottom: what is in the post, what was found in it, the draft, and what leaves the device. */
import { texts } from "../../texts/index.ts";
import { Chooser, DropTarget } from "./chooser.tsx";
import { Header } from "./header.tsx";
import { IdentifyCard } from "./identify.tsx";
import { LeavingCard } from "./leaving.tsx";
import { Notices } from "./notices.tsx";
import { PostCard } from "./post_card.tsx";
import { useSession } from "./session_context.ts";
import { StageCard } from "./stage.tsx";
import { Suggestions } from "./suggestions.tsx";

export function PageView() {
  const { state } = useSession();
  const empty = state.items.length === 0;
  return (
    <>
      <a class="skip" href="#content">
        {texts.page.skip}
      </a>
      <Header />
      <Notices />
      <main id="content" tabIndex={-1}>
        <div class="greeting">
          <h1>{texts.page.title}</h1>
          {empty && <p class="quiet">{texts.page.lead}</p>}
        </div>
        <div class="workspace">
          <div class="media-side">{empty ? <Chooser /> : <StageCard />}</div>
          <div class="found-side">
            <IdentifyCard />
            {!empty && <Suggestions />}
          </div>
        </div>
        <div class="finish">
          <PostCard />
          <LeavingCard />
        </div>
      </main>
      <DropTarget />
    </>
  );
}
