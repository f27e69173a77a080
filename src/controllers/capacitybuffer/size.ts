/** For how many pods a buffer keeps room (Karpenter's capacitybuffer). Pure. */
import type { CapacityBuffer } from "../../apis/capacityBuffer.ts"
import type { PodSpec } from "../../kube/objects.ts"
import { parseQuantity, podRequests } from "../../scheduling/index.ts"

/** How many pods stay within the limits together; undefined where the limits speak of nothing that the pods request. */
const mostWithin = (limits: NonNullable<CapacityBuffer["spec"]["limits"]>, spec: PodSpec): number | undefined => {
  const requests: Readonly<Record<string, string | number>> = { ...podRequests(spec), pods: 1 }
  const most = Object.entries(limits).flatMap(([name, limit]) => {
    const request = parseQuantity(requests[name] ?? 0)
    return request <= 0n ? [] : [Number(parseQuantity(limit) / request)]
  })
  return most.length === 0 ? undefined : Math.max(0, Math.min(...most))
}

/**
 * The larger of `replicas` and of the percentage of the workload's own pods, which is at least 1 where neither of them is 0;
 * never more than the limits allow. Limits alone say how many. `own` is undefined where there is no workload.
 */
export const bufferSize = (
  { limits, percentage, replicas }: CapacityBuffer["spec"],
  spec: PodSpec,
  own: number | undefined
): number => {
  const share = percentage === undefined || own === undefined ? undefined : Math.ceil(own * percentage / 100)
  const within = limits === undefined ? undefined : mostWithin(limits, spec)
  const wanted = replicas === undefined && share === undefined ? within ?? 0 : Math.max(replicas ?? 0, share ?? 0)
  return within === undefined ? wanted : Math.min(wanted, within)
}
