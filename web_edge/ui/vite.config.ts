import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { mockEdge } from "./mock/mock-edge.ts";

const EDGE = process.env["GENESIS_EDGE"] ?? "http://127.0.0.1:8000";
const isMocked = process.env["GENESIS_MOCK"] === "1";

export default defineConfig({
  plugins: [svelte(), ...(isMocked ? [mockEdge()] : [])],
  build: {
    target: "es2023",
    // Served under `default-src 'self'`: nothing may turn into a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: isMocked
    ? {}
    : { proxy: { "/api": EDGE, "/demo": EDGE, "/ws": { target: EDGE.replace("http", "ws"), ws: true } } },
  // As strict as the edge, so that `vite preview` shows what would be refused.
  preview: { headers: { "Content-Security-Policy": "default-src 'self'" } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
