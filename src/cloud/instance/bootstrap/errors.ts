/** Why there is no user data: for good, or for now. */
import type { KubeError } from "../../../kube/kubeError.ts"
import { CloudError, CloudUnavailable, CreateFailed } from "../../cloudProvider.ts"

const operation = "bootstrap"

/** Seconds until it is worth asking again, where nobody said. */
const patience = 10

/** The cluster does not tell, or not yet. */
export const later = (detail: string, retryAfterSeconds = patience): CloudError =>
  new CloudError({ operation, detail, reason: new CloudUnavailable({ retryAfterSeconds }) })

/** Somebody has to change something first: the reason of the claim's condition says what kind of thing. */
export const never = (condition: "UserDataInvalid" | "BootstrapMismatch", detail: string): CloudError =>
  new CloudError({ operation, detail, reason: new CreateFailed({ condition }) })

/** `hidden` are secrets that were in the request: a server may quote what it was sent. */
export const fromKube = (hidden: ReadonlyArray<string> = []) => (error: KubeError): CloudError =>
  later(
    hidden.reduce((text, secret) => text.replaceAll(secret, "<redacted>"), error.message),
    error.reason._tag === "Throttled" ? error.reason.retryAfterSeconds : patience
  )
