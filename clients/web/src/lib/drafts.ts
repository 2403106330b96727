/** What is being written in each room, so that a reload does not lose it. */
import type { Store } from "./store";

interface Draft {
  room: string;
  text: string;
}

/** Half-written messages. Reads are from memory; changes are written through. */
export class Drafts {
  private readonly texts = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly key: readonly string[],
  ) {}

  /** If the store fails, there are none. */
  async load(): Promise<void> {
    for (const { room, text } of await this.store.list<Draft>(this.key).catch(() => [])) this.texts.set(room, text);
  }

  of(room: string): string {
    return this.texts.get(room) ?? "";
  }

  /** An empty text deletes the draft. */
  keep(room: string, text: string): void {
    if (text === this.of(room)) return;
    if (text === "") this.texts.delete(room);
    else this.texts.set(room, text);
    const draft: Draft | undefined = text === "" ? undefined : { room, text };
    void this.store.set([...this.key, room], draft).catch(() => undefined);
  }
}
