import { defineConfig } from "vitest/config";

// The tests in a browser: one stack, one browser, one test after the other.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 180_000, // the first build of the stack and its functions
    reporters: ["verbose"],
  },
});
