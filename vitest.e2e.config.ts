import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    globalSetup: ["test/e2e/support/setup.ts"],
    // One cluster for all: scenarios take turns.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 240_000,
    // Time for the servers to end in their own way.
    teardownTimeout: 60_000
  }
})
