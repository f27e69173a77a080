/**
 * The CEL rules of the CRDs, by name. Whoever judges objects without an API server keys its own predicates by `rule`.
 *
 * They are the rules of Karpenter's CRDs, and for the kubelet those of the Linode provider's.
 */
import type { Rule } from "./structural.ts"

const keys = (names: ReadonlyArray<string>): string => `[${names.map((name) => `'${name}'`).join(",")}]`

// The text before the slash is matched by its end, so `foo-karpenter.sh/x` is refused too: as Karpenter's own CRDs do.
const foreignDomain = (subject: string): string =>
  `${subject} in ['karpenter.sh/capacity-type','karpenter.sh/nodepool'] || !${subject}.find('^([^/]+)').endsWith('karpenter.sh')`

const numeric = keys(["Gt", "Lt", "Gte", "Lte"])

export const requirementRules = {
  values: {
    rule: "self.all(x, x.operator != 'In' || (has(x.values) && size(x.values) > 0))",
    message: "requirements with operator 'In' must have a value defined"
  },
  valuesOfNotIn: {
    rule: "self.all(x, x.operator != 'NotIn' || (has(x.values) && size(x.values) > 0))",
    message: "requirements with operator 'NotIn' must have a value defined"
  },
  number: {
    rule: `self.all(x, !(x.operator in ${numeric}) || (has(x.values) && size(x.values) == 1 && x.values[0].matches('^[0-9]+$')))`,
    message: "requirements operator 'Gt', 'Lt', 'Gte' or 'Lte' must have a single non-negative integer value"
  },
  minValues: {
    rule: "self.all(x, x.operator != 'In' || !has(x.minValues) || (has(x.values) && size(x.values) >= x.minValues))",
    message: "requirements with 'minValues' must have at least that many values specified in the 'values' field"
  }
} as const satisfies Record<string, Rule>

export const requirementKeyRules = {
  domain: { rule: foreignDomain("self"), message: "label domain \"karpenter.sh\" is restricted" },
  nodePool: { rule: "self != 'karpenter.sh/nodepool'", message: "label \"karpenter.sh/nodepool\" is restricted" },
  hostname: { rule: "self != 'kubernetes.io/hostname'", message: "label \"kubernetes.io/hostname\" is restricted" }
} as const satisfies Record<string, Rule>

export const labelRules = {
  domain: { rule: `self.all(x, ${foreignDomain("x")})`, message: "label domain \"karpenter.sh\" is restricted" },
  nodePool: { rule: "self.all(x, x != 'karpenter.sh/nodepool')", message: "label \"karpenter.sh/nodepool\" is restricted" },
  hostname: { rule: "self.all(x, x != 'kubernetes.io/hostname')", message: "label \"kubernetes.io/hostname\" is restricted" }
} as const satisfies Record<string, Rule>

export const nodeClassRefRules = {
  group: { rule: "self != ''", message: "group may not be empty" },
  kind: { rule: "self != ''", message: "kind may not be empty" },
  name: { rule: "self != ''", message: "name may not be empty" },
  sameGroup: { rule: "self.group == oldSelf.group", message: "nodeClassRef.group is immutable" },
  sameKind: { rule: "self.kind == oldSelf.kind", message: "nodeClassRef.kind is immutable" }
} as const satisfies Record<string, Rule>

export const nodePoolRules = {
  budgetWindow: {
    rule: "self.all(x, has(x.schedule) == has(x.duration))",
    message: "'schedule' must be set with 'duration'"
  },
  replicasStay: {
    rule: "has(self.replicas) == has(oldSelf.replicas)",
    message: "Cannot transition NodePool between static (replicas set) and dynamic (replicas unset) provisioning modes"
  },
  staticLimits: {
    rule: "!has(self.replicas) || !has(self.limits) || size(self.limits) == 0" +
      " || (size(self.limits) == 1 && 'nodes' in self.limits)",
    message: "only 'limits.nodes' is supported on static NodePools"
  },
  staticWeight: {
    rule: "!has(self.replicas) || !has(self.weight)",
    message: "'weight' is not supported on static NodePools"
  }
} as const satisfies Record<string, Rule>

export const nodeClaimRules = {
  immutable: { rule: "self == oldSelf", message: "spec is immutable" }
} as const satisfies Record<string, Rule>

export const nodeOverlayRules = {
  onePrice: {
    rule: "!has(self.price) || !has(self.priceAdjustment)",
    message: "cannot set both 'price' and 'priceAdjustment'"
  },
  capacity: {
    rule: `self.all(x, !(x in ${keys(["cpu", "memory", "ephemeral-storage", "pods"])}))`,
    message: "invalid resource restricted: cpu, memory, ephemeral-storage and pods cannot be overlaid"
  }
} as const satisfies Record<string, Rule>

export const capacityBufferRules = {
  templateNeedsNumber: {
    rule: "!has(self.podTemplateRef) || has(self.replicas) || has(self.limits)",
    message: "'podTemplateRef' needs 'replicas' or 'limits'"
  },
  oneReference: {
    rule: "!has(self.podTemplateRef) || !has(self.scalableRef)",
    message: "cannot set both 'podTemplateRef' and 'scalableRef'"
  }
} as const satisfies Record<string, Rule>

const reservable = ["cpu", "memory", "ephemeral-storage", "pid"]
const signals =
  ["memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree", "pid.available"]
const allowed = (field: string, names: ReadonlyArray<string>): Rule => ({
  rule: `self.all(x, x in ${keys(names)})`,
  message: `valid keys for ${field} are ${keys(names)}`
})
const notNegative = (field: string): Rule => ({
  rule: "self.all(x, !self[x].startsWith('-'))",
  message: `${field} value cannot be a negative resource quantity`
})

export const kubeletRules = {
  systemReserved: [allowed("systemReserved", reservable), notNegative("systemReserved")],
  kubeReserved: [allowed("kubeReserved", reservable), notNegative("kubeReserved")],
  evictionHard: [allowed("evictionHard", signals)],
  evictionSoft: [allowed("evictionSoft", signals)],
  evictionSoftGracePeriod: [allowed("evictionSoftGracePeriod", signals)],
  softHasGrace: {
    rule: "!has(self.evictionSoft) ||" +
      " self.evictionSoft.all(e, has(self.evictionSoftGracePeriod) && e in self.evictionSoftGracePeriod)",
    message: "evictionSoft OwnerKey does not have a matching evictionSoftGracePeriod"
  },
  graceHasSoft: {
    rule: "!has(self.evictionSoftGracePeriod) ||" +
      " self.evictionSoftGracePeriod.all(e, has(self.evictionSoft) && e in self.evictionSoft)",
    message: "evictionSoftGracePeriod OwnerKey does not have a matching evictionSoft"
  }
} as const satisfies Record<string, Rule | ReadonlyArray<Rule>>

export const linodeNodeClassRules = {
  immutable: { rule: "self == oldSelf", message: "Value is immutable" }
} as const satisfies Record<string, Rule>
