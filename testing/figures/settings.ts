/** Which simulations stand in `docs/verification.md`, and which bars they have to meet. */
import type { Kind, Scheme } from "../../domain/verification/simulation/settings.ts";

/** What cheats do in one row of the tables. */
export interface Attack {
  readonly name: string;
  readonly kind: Kind;
  readonly saboteurs: number;
  readonly sabotage: number;
}

export const attacks: readonly Attack[] = [
  ...[0.1, 0.2, 0.35].flatMap((saboteurs) =>
    [0.01, 0.1, 1].map(
      (sabotage) => ({ name: "collude", kind: "colluding", saboteurs, sabotage }) as const,
    ),
  ),
  ...[0.01, 0.1].map(
    (sabotage) =>
      ({
        name: "collude where nobody else looks",
        kind: "careful",
        saboteurs: 0.2,
        sabotage,
      }) as const,
  ),
  ...[0.1, 1].map(
    (sabotage) =>
      ({ name: "sleep, come back", kind: "sleeping", saboteurs: 0.2, sabotage }) as const,
  ),
  { name: "each for itself", kind: "lazy", saboteurs: 0.2, sabotage: 0.1 },
  { name: "copy", kind: "copying", saboteurs: 0.2, sabotage: 0.1 },
];

export const titles: Readonly<Record<Scheme, string>> = {
  "ours-standard": "ours, standard",
  "ours-high": "ours, high",
  boinc: "BOINC",
  poco: "PoCo",
  gonka: "Gonka",
  majority: "majority",
};

/** The most that each figure may be, in any single run. */
export interface Bar {
  readonly wrongAccepted?: number;
  readonly wrongLeft?: number;
  readonly redundancy?: number;
  readonly honestSlashed: 0;
  readonly netGain: number;
}

/** The bar of our own schemes for an attack, where we set one. */
export const barOf = (scheme: Scheme, { kind, saboteurs, sabotage }: Attack): Bar | undefined => {
  const always = { honestSlashed: 0, netGain: 0 } as const;
  if (scheme === "ours-standard" && kind === "sleeping")
    return { ...always, wrongLeft: sabotage === 1 ? 5e-4 : 5e-3 };
  if (scheme === "ours-standard" && kind === "colluding" && saboteurs <= 0.2)
    return { ...always, wrongAccepted: 1e-3, redundancy: 1.25 };
  if (scheme === "ours-high" && kind === "colluding")
    return { ...always, wrongAccepted: 1e-4, redundancy: 2.2 };
  return undefined;
};
