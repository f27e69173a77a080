import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector, selectsLabels } from "../../src/kube/selectors.ts"

const labelsMatch = (selector: string, labels: Record<string, string>): boolean | string => {
  const parsed = parseLabelSelector(selector)
  return Result.isSuccess(parsed) ? matchesLabels(parsed.success, labels) : parsed.failure
}

describe("label selectors", () => {
  const labels = { app: "web", tier: "front", "karpenter.sh/nodepool": "a.b-c_d" }
  it.each([
    ["", true],
    ["app=web", true],
    ["app==web,tier=front", true],
    ["app=web,tier=back", false],
    ["app!=db", true],
    ["missing!=x", true],
    ["app in (db, web)", true],
    ["app notin (db,web)", false],
    ["missing notin (x)", true],
    ["app", true],
    ["!app", false],
    ["!missing,tier in (front)", true],
    ["karpenter.sh/nodepool=a.b-c_d", true],
    ["app=", false]
  ] as const)("%s", (selector, expected) => assert.strictEqual(labelsMatch(selector, labels), expected))

  it.each(["app in web", "=web", "app=a=b", "app in (a", "a b"])("refuse %s", (selector) =>
    assert.isTrue(Result.isFailure(parseLabelSelector(selector))))

  it("of a spec match everything when empty and nothing when absent", () => {
    assert.isTrue(selectsLabels({}, undefined))
    assert.isFalse(selectsLabels(undefined, { a: "b" }))
    const both = { matchLabels: { a: "b" }, matchExpressions: [{ key: "c", operator: "DoesNotExist" }] }
    assert.isTrue(selectsLabels(both, { a: "b" }))
    assert.isFalse(selectsLabels(both, { a: "b", c: "" }))
    assert.isFalse(selectsLabels({ matchExpressions: [{ key: "a", operator: "Gt", values: ["1"] }] }, { a: "2" }))
  })
})

describe("field selectors", () => {
  const pod = { metadata: { name: "p" }, spec: { nodeName: "n1" } }
  it.each([
    ["metadata.name=p", true],
    ["spec.nodeName=n1,metadata.name==p", true],
    ["spec.nodeName!=", true],
    ["status.phase=", true],
    ["spec.nodeName=n2", false]
  ] as const)("%s", (selector, expected) => {
    const parsed = parseFieldSelector(selector)
    assert.isTrue(Result.isSuccess(parsed))
    if (Result.isSuccess(parsed)) assert.strictEqual(matchesFields(parsed.success, pod), expected)
  })

  it("need an operator", () => assert.isTrue(Result.isFailure(parseFieldSelector("metadata.name"))))
})
