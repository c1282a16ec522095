import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import Components from "unplugin-vue-components/vite";
import { defineConfig } from "vitest/config";
import { precache, WORKER } from "./precache.ts";

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `npm run dev` sends the API and the socket on to a running service (KUAYU_URL).
const service = process.env.KUAYU_URL ?? "http://localhost:8400";

export default defineConfig({
  plugins: [
    vue(),
    // Element Plus only: our own components are imported where they are used.
    Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver()] }),
    precache(),
  ],
  resolve: { alias: { "@": fromHere("./src") } },
  build: {
    target: "chrome100",
    outDir: fromHere("../../server/web/static"),
    emptyOutDir: true,
    // The service serves /assets only, and the policy for scripts and fonts allows no data: address.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: fromHere("./index.html"), [WORKER]: fromHere("./src/worker/verify-worker.ts") },
      // Browsers look for a worker under one name for ever.
      output: {
        entryFileNames: ({ name }) => (name === WORKER ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
    chunkSizeWarningLimit: 800,
  },
  server: {
    proxy: {
      "/api": { target: service, headers: { origin: service } },
      "/socket.io": { target: service, ws: true, headers: { origin: service } },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts"],
    server: { deps: { inline: ["element-plus"] } },
    restoreMocks: true,
  },
});
