// Roving tabindex: Tab stops once at a list; arrows, Home and End move inside it.
// The items have data-roving. A grid has the number of its columns in
// data-columns.

/** An attachment for the element that contains the items. */
export function roving(list: HTMLElement): () => void {
  const items = () => [...list.querySelectorAll<HTMLElement>("[data-roving]")];

  function move(event: KeyboardEvent) {
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.target instanceof HTMLElement)) return;
    const all = items();
    const here = all.indexOf(event.target);
    if (here < 0) return;
    const columns = Number(list.dataset["columns"] ?? 1);
    const to = {
      ArrowUp: here - columns,
      ArrowDown: here + columns,
      ArrowLeft: columns > 1 ? here - 1 : here,
      ArrowRight: columns > 1 ? here + 1 : here,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    const next = to === undefined || to === here ? undefined : all[to];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }

  function follow(event: FocusEvent) {
    if (!(event.target instanceof HTMLElement) || event.target.dataset["roving"] === undefined) return;
    for (const item of items()) item.tabIndex = item === event.target ? 0 : -1;
  }

  list.addEventListener("keydown", move);
  list.addEventListener("focusin", follow);
  return () => {
    list.removeEventListener("keydown", move);
    list.removeEventListener("focusin", follow);
  };
}
