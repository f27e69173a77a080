import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/**", "test/differential/**", "node_modules/**"],
    // Everything here runs on virtual time or on loopback; a test that needs longer hangs.
    testTimeout: 20_000
  }
})
