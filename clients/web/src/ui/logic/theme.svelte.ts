// Light or dark: what the system says, unless the reader has chosen.

/** A choice of colours; `system` follows the operating system. */
export type Theme = "system" | "light" | "dark";

const KEY = "sotto.theme";

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

class Themes {
  #current = $state<Theme>(stored());

  constructor() {
    this.#show();
  }

  get current(): Theme {
    return this.#current;
  }

  set current(theme: Theme) {
    this.#current = theme;
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
    this.#show();
  }

  #show(): void {
    if (this.#current === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.#current;
  }
}

export const theme = new Themes();
