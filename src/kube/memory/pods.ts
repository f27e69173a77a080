/** What the API server makes of a pod that a client sends, where it matters to scheduling and to draining. */
import type { FieldError } from "./failure.ts"
import { equal, isObject } from "./json.ts"
import type { Fields, Stored } from "./json.ts"

/** The DefaultTolerationSeconds admission plugin: a pod stays 5 minutes on a node that fell silent. */
const tolerated = ["not-ready", "unreachable"].map((condition) => ({
  key: `node.kubernetes.io/${condition}`, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300
}))

const list = (value: unknown): ReadonlyArray<Fields> => Array.isArray(value) ? value.filter(isObject) : []

const tolerations = (given: ReadonlyArray<Fields>): ReadonlyArray<Fields> => [
  ...given,
  ...tolerated.filter(({ key }) => !given.some((toleration) =>
    (toleration["key"] === key || toleration["key"] === undefined || toleration["key"] === "") &&
    (toleration["effect"] === "NoExecute" || toleration["effect"] === undefined || toleration["effect"] === "")
  ))
]

/** A resource that has a limit and no request requests its limit. */
const container = (given: Fields): Fields => {
  const resources = given["resources"]
  if (!isObject(resources) || !isObject(resources["limits"])) return given
  const requests = isObject(resources["requests"]) ? resources["requests"] : {}
  if (Object.keys(resources["limits"]).every((name) => name in requests)) return given
  return { ...given, resources: { ...resources, requests: { ...resources["limits"], ...requests } } }
}

export const completePod = (pod: Stored): Stored => {
  const spec = isObject(pod["spec"]) ? pod["spec"] : {}
  const completed = {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    priority: 0,
    preemptionPolicy: "PreemptLowerPriority",
    ...spec,
    ...(Array.isArray(spec["containers"]) && { containers: list(spec["containers"]).map(container) }),
    ...(Array.isArray(spec["initContainers"]) && { initContainers: list(spec["initContainers"]).map(container) }),
    tolerations: tolerations(list(spec["tolerations"]))
  }
  return {
    ...pod,
    spec: equal(completed, spec) ? spec : completed,
    status: isObject(pod["status"]) ? pod["status"] : { phase: "Pending" }
  }
}

/** What may change in the spec of a pod: the node it is bound to (once), images, deadlines, tolerations (more of them). */
const changeable = [
  "nodeName", "containers", "initContainers", "activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"
]

const fixed = (pod: Stored): Fields =>
  Object.fromEntries(Object.entries(isObject(pod["spec"]) ? pod["spec"] : {}).filter(([key]) => !changeable.includes(key)))

export const validatePod = (pod: Stored, old: Stored | undefined): ReadonlyArray<FieldError> => {
  const spec = isObject(pod["spec"]) ? pod["spec"] : {}
  const before = old !== undefined && isObject(old["spec"]) ? old["spec"] : undefined
  const errors: Array<FieldError> = []
  if (list(spec["containers"]).length === 0) errors.push({ field: "spec.containers", message: "Required value" })
  const moved = before?.["nodeName"] !== undefined && before["nodeName"] !== spec["nodeName"]
  if (moved || (old !== undefined && !equal(fixed(pod), fixed(old)))) {
    const message = "Forbidden: pod updates may not change fields other than images, deadlines and tolerations"
    errors.push({ field: "spec", message })
  }
  return errors
}
