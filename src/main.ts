#!/usr/bin/env node
/** karpenter-linode. Compiled code is kept between starts where Node can; everything else is in `cli.ts`. */
import { enableCompileCache } from "node:module"

enableCompileCache()
await import("./cli.ts")
