import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";

/** The system's Chromium: $CHROMIUM, or the first one on the PATH. */
function executable(): string {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const paths = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = [process.env["CHROMIUM"] ?? "", ...names.flatMap((name) => paths.map((path) => join(path, name)))];
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return path !== "";
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error("there is no Chromium on the PATH (Debian: apt-get install chromium)");
  return found;
}

/** Starts it without a window. Its own sandbox does not work for root, as in containers. */
export function launch(...args: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: executable(), chromiumSandbox: process.getuid?.() !== 0, args });
}
