/**
 * Seeds whose problems once showed a difference. They are always asked again. A seed means what generate.ts makes of it: when
 * that changes, so do they.
 */
export const seeds: ReadonlyArray<number> = [
  32, 86, 95, 126, 156, 158, 226, 246, 296, 346, 357, 386, 389, 415, 418, 424, 468, 469, 474, 484, 509, 510, 606, 623, 624,
  625, 631, 639, 640, 665, 668, 719, 723, 773, 793, 823, 834, 838, 846, 874, 935, 943, 945, 948, 982, 1209, 1359, 1653, 1848,
  1849, 2052, 2105, 2173, 2782, 2963, 2973, 3117, 3168, 3237, 3374, 3521, 3566, 3750, 3808, 4063, 4168, 4195, 4233, 4323,
  4357, 4421, 4480, 4481, 4518, 4566, 4725, 4969
]
