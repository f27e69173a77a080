/**
 * The CEL rules of our CRDs as predicates, by their text. There is no CEL interpreter here: a CRD with a rule that has no
 * predicate cannot be installed, so the rules and this table cannot drift apart.
 */
import { equal, isObject } from "./json.ts"
import type { Fields } from "./json.ts"
import { everySchema } from "./schema.ts"
import type { Schema } from "./schema.ts"

type Predicate = (self: unknown, oldSelf: unknown) => boolean

const fields = (value: unknown): Fields => isObject(value) ? value : {}
const list = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []
const size = (value: unknown): number => Array.isArray(value) ? value.length : Object.keys(fields(value)).length
const has = (value: unknown, key: string): boolean => fields(value)[key] !== undefined
const forAll = (predicate: (item: Fields) => boolean): Predicate => (self) => list(self).every((item) => predicate(fields(item)))
const forKeys = (predicate: (key: string) => boolean): Predicate => (self) => Object.keys(fields(self)).every(predicate)
const isNot = (text: string): Predicate => (self) => self !== text
const same = (key: string): Predicate => (self, oldSelf) => equal(fields(self)[key], fields(oldSelf)[key])

const foreignDomain = (key: string): boolean =>
  ["karpenter.sh/capacity-type", "karpenter.sh/nodepool"].includes(key) ||
  !(/^([^/]+)/.exec(key)?.[0] ?? "").endsWith("karpenter.sh")

const reservable = ["cpu", "memory", "ephemeral-storage", "pid"]
const signals = [
  "memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree", "pid.available"
]
const covers = (one: string, other: string): Predicate => (self) =>
  Object.keys(fields(fields(self)[one])).every((key) => has(fields(self)[other], key))

const valuesOf = (item: Fields): ReadonlyArray<unknown> => list(item["values"])

const predicates: ReadonlyMap<string, Predicate> = new Map<string, Predicate>([
  ["self == oldSelf", equal],
  ["self != ''", isNot("")],
  ["self != 'karpenter.sh/nodepool'", isNot("karpenter.sh/nodepool")],
  ["self != 'kubernetes.io/hostname'", isNot("kubernetes.io/hostname")],
  ["self.all(x, x != 'karpenter.sh/nodepool')", forKeys((key) => key !== "karpenter.sh/nodepool")],
  ["self.all(x, x != 'kubernetes.io/hostname')", forKeys((key) => key !== "kubernetes.io/hostname")],
  [
    "self in ['karpenter.sh/capacity-type','karpenter.sh/nodepool'] || !self.find('^([^/]+)').endsWith('karpenter.sh')",
    (self) => foreignDomain(String(self))
  ],
  [
    "self.all(x, x in ['karpenter.sh/capacity-type','karpenter.sh/nodepool'] || !x.find('^([^/]+)').endsWith('karpenter.sh'))",
    forKeys(foreignDomain)
  ],
  [
    "self.all(x, x.operator != 'In' || (has(x.values) && size(x.values) > 0))",
    forAll((x) => x["operator"] !== "In" || valuesOf(x).length > 0)
  ],
  [
    "self.all(x, x.operator != 'NotIn' || (has(x.values) && size(x.values) > 0))",
    forAll((x) => x["operator"] !== "NotIn" || valuesOf(x).length > 0)
  ],
  [
    "self.all(x, !(x.operator in ['Gt','Lt','Gte','Lte']) || " +
    "(has(x.values) && size(x.values) == 1 && x.values[0].matches('^[0-9]+$')))",
    forAll((x) => !["Gt", "Lt", "Gte", "Lte"].includes(String(x["operator"])) ||
      (valuesOf(x).length === 1 && /^[0-9]+$/.test(String(valuesOf(x)[0]))))
  ],
  [
    "self.all(x, x.operator != 'In' || !has(x.minValues) || (has(x.values) && size(x.values) >= x.minValues))",
    forAll((x) => x["operator"] !== "In" || !has(x, "minValues") || valuesOf(x).length >= Number(x["minValues"]))
  ],
  ["self.group == oldSelf.group", same("group")],
  ["self.kind == oldSelf.kind", same("kind")],
  ["self.all(x, has(x.schedule) == has(x.duration))", forAll((x) => has(x, "schedule") === has(x, "duration"))],
  ["has(self.replicas) == has(oldSelf.replicas)", (self, oldSelf) => has(self, "replicas") === has(oldSelf, "replicas")],
  [
    "!has(self.replicas) || !has(self.limits) || size(self.limits) == 0 || (size(self.limits) == 1 && 'nodes' in self.limits)",
    (self) => {
      const limits = fields(self)["limits"]
      return !has(self, "replicas") || size(limits) === 0 || (size(limits) === 1 && has(limits, "nodes"))
    }
  ],
  ["!has(self.replicas) || !has(self.weight)", (self) => !has(self, "replicas") || !has(self, "weight")],
  [
    "!has(self.podTemplateRef) || has(self.replicas) || has(self.limits)",
    (self) => !has(self, "podTemplateRef") || has(self, "replicas") || has(self, "limits")
  ],
  [
    "!has(self.podTemplateRef) || !has(self.scalableRef)",
    (self) => !has(self, "podTemplateRef") || !has(self, "scalableRef")
  ],
  ["!has(self.price) || !has(self.priceAdjustment)", (self) => !has(self, "price") || !has(self, "priceAdjustment")],
  [
    "self.all(x, !(x in ['cpu','memory','ephemeral-storage','pods']))",
    forKeys((key) => !["cpu", "memory", "ephemeral-storage", "pods"].includes(key))
  ],
  ["self.all(x, x in ['cpu','memory','ephemeral-storage','pid'])", forKeys((key) => reservable.includes(key))],
  [
    "self.all(x, x in ['memory.available','nodefs.available','nodefs.inodesFree'," +
    "'imagefs.available','imagefs.inodesFree','pid.available'])",
    forKeys((key) => signals.includes(key))
  ],
  [
    "self.all(x, !self[x].startsWith('-'))",
    (self) => Object.values(fields(self)).every((value) => !String(value).startsWith("-"))
  ],
  [
    "!has(self.evictionSoft) || self.evictionSoft.all(e, has(self.evictionSoftGracePeriod) && e in self.evictionSoftGracePeriod)",
    covers("evictionSoft", "evictionSoftGracePeriod")
  ],
  [
    "!has(self.evictionSoftGracePeriod) || self.evictionSoftGracePeriod.all(e, has(self.evictionSoft) && e in self.evictionSoft)",
    covers("evictionSoftGracePeriod", "evictionSoft")
  ]
])

/** Whether a value satisfies a rule. A rule that names `oldSelf` holds where there is no earlier value. */
export const judge = (rule: string, self: unknown, oldSelf: unknown): boolean => {
  const predicate = predicates.get(rule)
  if (predicate === undefined) throw new Error(`no predicate for the CEL rule ${rule}`)
  return (oldSelf === undefined && rule.includes("oldSelf")) || predicate(self, oldSelf)
}

/** The rules in a schema that this table does not know. */
export const unknownRules = (schema: Schema): ReadonlyArray<string> => everySchema(schema).flatMap((each) =>
  (each["x-kubernetes-validations"] ?? []).flatMap(({ rule }) => predicates.has(rule) ? [] : [rule]))
