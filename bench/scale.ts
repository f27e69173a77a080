/** A large cluster at rest and after a restart, on virtual time: scaleWorker.ts in a process of its own. */
import { execFileSync } from "node:child_process"
import { resolve } from "node:path"
import type { Section } from "./results.ts"
import { machine, table } from "./results.ts"
import type { ScaleAnswer } from "./scaleWorker.ts"

const worker = resolve(import.meta.dirname, "scaleWorker.ts")
const podsPerNode = 10
const sizes = [500, 5000]

const ask = (nodes: number): ScaleAnswer => {
  process.stderr.write(`${nodes} nodes\n`)
  // As the image starts the controller.
  const args = ["--max-semi-space-size=8", worker, String(nodes), String(podsPerNode)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })) as ScaleAnswer
}

export const scale = (): Section => ({
  title: "Scale",
  text: [
    `${machine()}. The whole controller on virtual time, in one process with the API server, the simulated Linode and every kubelet's ` +
    "heartbeat (one in five minutes): CPU and memory are those of all of them, memory at its highest, the filling of the cluster " +
    "included. *At rest*: nothing changes but heartbeats, and no node has been quiet for long enough to be consolidated. *Recovery* is " +
    "from the start of a new controller to the NodeClaim of a pod that waited for it, in real time and in CPU time. " +
    "Goals at 5,000 nodes: 1 GiB, 1 s, 15 s.",
    "",
    table(["nodes", "pods", "RSS, MiB", "CPU seconds a simulated minute at rest", "recovery, s", "its CPU seconds"], sizes.map(ask).map((answer) => [
      answer.nodes.toLocaleString("en"), answer.pods.toLocaleString("en"), answer.rssMiB.toFixed(0),
      answer.cpuSecondsPerMinute.toFixed(2), answer.recoverySeconds.toFixed(1),
      answer.recoveryCpuSeconds.toFixed(1)
    ]))
  ].join("\n")
})
