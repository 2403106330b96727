import { svelte } from "@sveltejs/vite-plugin-svelte";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vitest/config";

// The build is a folder of static files that hold under a strict
// Content-Security-Policy: no inline script or style, no data: address. So
// nothing is inlined, however small, and every asset's name has its hash, which
// lets a server call it immutable.
export default defineConfig({
  plugins: [tailwindcss(), svelte()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    // Every browser with Ed25519 in WebCrypto reads this.
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    // `npm run dev` beside a running local stack: the page's own address serves
    // the WebSocket, as it does when the stack serves the page.
    proxy: { "/local": { target: "ws://127.0.0.1:4566", ws: true } },
  },
  test: {
    include: ["src/**/*.test.ts"],
    environment: "node",
    testTimeout: 60_000, // a condition is waited for up to 30 s
  },
});
