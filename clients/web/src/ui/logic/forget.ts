// Deletes what this browser stores of a user, in the library's storage and in the
// settings.

import { forget } from "../../lib";
import { colours } from "./colours";
import { LAST_ROOM } from "./view.svelte";
import { remember } from "./preferences";

/** Deletes a user's keys and everything else of theirs. Error: storage. */
export async function forgetHere(url: string, user: string): Promise<void> {
  colours.forget(); // it has the names of the users they met
  remember(LAST_ROOM, null);
  await forget(url, user);
}
