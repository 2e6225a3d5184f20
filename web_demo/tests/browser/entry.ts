/** The courier without the page: what the tests of tests/web/ talk to in a real browser. */
import { createCatalogs } from "../../src/catalog/index.ts";
import { startOffline } from "../../src/offline/index.ts";
import { createOutbox } from "../../src/outbox/index.ts";
import { keepSending } from "../../src/outbox/sending.ts";

const courier = { createCatalogs, createOutbox, keepSending, startOffline };
declare global {
  var courier: unknown;
}
globalThis.courier = courier;
