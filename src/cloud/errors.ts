/** What the rest of the program is told when Linode or the API server says no. */
import { CloudError, CloudUnavailable, CreateFailed, InsufficientCapacity } from "./cloudProvider.ts"
import type { KubeError } from "../kube/kubeError.ts"
import type { LinodeError } from "../linode/linodeError.ts"

/** Seconds until it is worth asking again, where Linode did not say. */
export const usualPatience = 5

export const unavailable = (operation: string, detail: string, retryAfterSeconds = usualPatience): CloudError =>
  new CloudError({ operation, detail, reason: new CloudUnavailable({ retryAfterSeconds }) })

/** For everything but buying: whatever it is, the same call may do later. */
export const fromLinode = (operation: string) => (error: LinodeError): CloudError =>
  unavailable(operation, error.message, error.reason._tag === "RateLimited" ? error.reason.retryAfterSeconds : usualPatience)

export const fromKube = (operation: string) => (error: KubeError): CloudError =>
  unavailable(operation, error.message, error.reason._tag === "Throttled" ? error.reason.retryAfterSeconds : usualPatience)

export const cloudError = (operation: string) => (error: LinodeError | KubeError): CloudError =>
  error._tag === "LinodeError" ? fromLinode(operation)(error) : fromKube(operation)(error)

/** For buying: a token that is refused is no matter of patience. */
export const whileBuying = (operation: string) => (error: LinodeError | KubeError): CloudError =>
  error._tag === "LinodeError" && error.reason._tag === "Auth" ? refused(operation, error) : cloudError(operation)(error)

/** Why a machine was not bought. `invalid`: the condition where the order itself was wrong. */
export const refused = (operation: string, error: LinodeError, invalid = "NodePoolCreationFailed"): CloudError => {
  const failed = (condition: string, detail: string) =>
    new CloudError({ operation, detail, reason: new CreateFailed({ condition }) })
  switch (error.reason._tag) {
    case "Capacity":
      return new CloudError({ operation, detail: error.message, reason: new InsufficientCapacity() })
    case "Quota":
      return failed("AccountLimitReached", error.message)
    case "Validation": {
      const { field } = error.reason
      return failed(invalid, field === "" ? error.message : `${error.message} (field ${field})`)
    }
    case "Auth":
      return failed("LinodeAuthFailed", error.message)
    default:
      return fromLinode(operation)(error)
  }
}
