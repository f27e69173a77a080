/** How a Linode is called in Kubernetes. */

export const providerIDOf = (id: number): string => `linode://${id}`

/** The Linode's id in `linode://<id>`. */
export const instanceIdOf = (providerID: string | undefined): number | undefined => {
  const digits = /^linode:\/\/(\d+)$/.exec(providerID ?? "")?.[1]
  return digits === undefined ? undefined : Number(digits)
}
