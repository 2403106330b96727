// Light or dark: the system's setting, unless the user has chosen.

import { recall, remember } from "./preferences";

/** A colour scheme; `system` follows the operating system. */
export type Theme = "system" | "light" | "dark";

const KEY = "sotto.theme";

function stored(): Theme {
  const value = recall(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

class Themes {
  private chosen = $state<Theme>(stored());

  constructor() {
    this.apply();
  }

  get current(): Theme {
    return this.chosen;
  }

  set current(theme: Theme) {
    this.chosen = theme;
    remember(KEY, theme === "system" ? null : theme);
    this.apply();
  }

  private apply(): void {
    if (this.chosen === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.chosen;
  }
}

export const theme = new Themes();
