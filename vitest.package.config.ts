import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/package/**/*.pack.ts"],
    globalSetup: ["test/package/setup.ts"],
    testTimeout: 60_000
  }
})
