import type { Plugin } from "vite";
export function mockEdge(): Plugin { return { name: "mock-edge" }; }
