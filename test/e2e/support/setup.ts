/** Starts the one real cluster that all scenarios share, and stops it when they are done. */
import type { TestProject } from "vitest/node"
import { startKubernetes } from "./kubernetes.ts"
import { provideTools } from "./tools.ts"

export interface Shared {
  readonly server: string
  readonly dir: string
  readonly kubeconfig: string
  readonly kubectl: string
  readonly helm: string
}

declare module "vitest" {
  export interface ProvidedContext {
    readonly kubernetes: Shared
  }
}

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const tools = await provideTools()
  const kubernetes = await startKubernetes(tools)
  project.provide("kubernetes", {
    server: kubernetes.server,
    dir: kubernetes.dir,
    kubeconfig: kubernetes.kubeconfig,
    kubectl: tools.bin("kubectl"),
    helm: tools.bin("helm")
  })
  return kubernetes.stop
}
