/** Why the connection to the API server could not be set up at start-up: one line each, for a person. */
import { Schema } from "effect"

/** There is no kubeconfig, or one that cannot be used. */
export class KubeConfigInvalid extends Schema.TaggedError<KubeConfigInvalid>()("KubeConfigInvalid", {
  source: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `invalid kubeconfig (${this.source}): ${this.detail}`
  }
}

/** Nobody answers at the server's address, or not as an API server does. */
export class KubeUnreachable extends Schema.TaggedError<KubeUnreachable>()("KubeUnreachable", {
  server: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot reach the Kubernetes API server ${this.server}: ${this.detail}`
  }
}

/** The server does not accept who we say we are. */
export class KubeDenied extends Schema.TaggedError<KubeDenied>()("KubeDenied", {
  server: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the Kubernetes API server ${this.server} refused the credentials: ${this.detail}`
  }
}

export type KubeStartError = KubeConfigInvalid | KubeUnreachable | KubeDenied
