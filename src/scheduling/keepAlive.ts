/**
 * V8 throws optimised code away at a major collection once no object of a class that the code knows is left. A service that solves,
 * forgets and waits would so begin anew each time: solving 5,000 pods takes several times as long. So of each thing that is made for
 * one solve the last is kept. Nobody reads it, and no answer depends on it; it costs the memory of one problem.
 */
const kept: Map<string, unknown> = new Map()

export const keepAlive = (name: string, value: unknown): void => {
  kept.set(name, value)
}
