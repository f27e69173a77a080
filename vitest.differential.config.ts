import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/differential/**/*.test.ts"],
    // A thousand problems take minutes, and the rival is built first where it is missing.
    testTimeout: 1_800_000,
    hookTimeout: 900_000
  }
})
