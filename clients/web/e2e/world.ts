import type { Browser } from "playwright-core";
import type { Stack } from "./stack";

/** What all tests share. */
export interface World {
  stack: Stack;
  browser: Browser;
}
