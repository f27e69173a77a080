/** Every controller of the process, run side by side under one lease. */
import { Effect } from "effect"
import { CloudProvider } from "../cloud/cloudProvider.ts"
import { BufferRoom, makeBufferRoom } from "./capacitybuffer/bufferRoom.ts"
import { capacityBuffer } from "./capacitybuffer/capacityBuffer.ts"
import { catchUp } from "./catchUp.ts"
import { disruption } from "./disruption/disruption.ts"
import { interruption } from "./interruption/interruption.ts"
import { metricsController } from "./metrics/metrics.ts"
import { nodeHydration } from "./node/hydration.ts"
import { nodeRepair } from "./node/repair.ts"
import { nodeTermination } from "./node/termination.ts"
import { nodeClaimConsistency } from "./nodeclaim/consistency.ts"
import { nodeClaimDisruption } from "./nodeclaim/disruption.ts"
import { nodeClaimExpiration } from "./nodeclaim/expiration.ts"
import { instanceGarbageCollection, nodeClaimGarbageCollection } from "./nodeclaim/garbageCollection.ts"
import { nodeClaimHydration } from "./nodeclaim/hydration.ts"
import { nodeClaimLifecycle } from "./nodeclaim/lifecycle.ts"
import { nodeClaimPodEvents } from "./nodeclaim/podEvents.ts"
import { nodeClassHashing } from "./nodeclass/hash.ts"
import { nodeClassInPlaceUpdate } from "./nodeclass/inPlaceUpdate.ts"
import { nodeClassController } from "./nodeclass/nodeClass.ts"
import { nodeOverlay } from "./nodeoverlay/nodeOverlay.ts"
import { nodePoolAccount } from "./nodepool/account.ts"
import { nodePoolCounter } from "./nodepool/counter.ts"
import { nodePoolHashing } from "./nodepool/hash.ts"
import { nodePoolReadiness } from "./nodepool/readiness.ts"
import { nodePoolRegistrationHealth } from "./nodepool/registrationHealth.ts"
import * as registrations from "./nodepool/registrations.ts"
import { provisioner } from "./provisioning/provisioner.ts"
import { staticCapacity } from "./static/static.ts"

const sideBySide = Effect.all([
  provisioner,
  nodeClaimLifecycle,
  nodeClaimGarbageCollection,
  instanceGarbageCollection,
  nodeClaimDisruption,
  nodeClaimPodEvents,
  nodeClaimExpiration,
  nodeClaimConsistency,
  nodeClaimHydration,
  nodeHydration,
  nodeRepair,
  nodeTermination,
  disruption,
  nodePoolHashing,
  nodePoolReadiness,
  nodePoolRegistrationHealth,
  nodePoolCounter,
  nodeClassHashing,
  nodeClassController,
  nodeClassInPlaceUpdate,
  nodePoolAccount,
  interruption,
  metricsController,
  staticCapacity,
  nodeOverlay,
  capacityBuffer
], { concurrency: "unbounded" }).pipe(
  Effect.andThen(Effect.never),
  Effect.provideServiceEffect(BufferRoom, makeBufferRoom),
  Effect.provide(registrations.layer)
)

/**
 * Never ends by itself: the first controller that dies takes the others with it, and the process. When it has ended, nothing more is
 * asked of Linode: another process may begin.
 */
export const allControllers = Effect.andThen(catchUp, sideBySide).pipe(
  Effect.ensuring(Effect.flatMap(CloudProvider, ({ finish }) => finish))
)
