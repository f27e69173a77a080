#!/usr/bin/env node
/** karpenter-linode. Compiled code is kept between starts where Node can; everything else is in `cli.ts`. */
import * as nodeModule from "node:module"

const { enableCompileCache }: Partial<typeof nodeModule> = nodeModule
enableCompileCache?.()
await import("./cli.ts")
