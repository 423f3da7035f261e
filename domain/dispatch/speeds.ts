/** Whether nodes are as fast as a job asks, by what was measured of them (`probe/speed.ts`). */

/** WebAssembly instructions that a node surely computes in a second, by `speedName`. */
export type Speeds = ReadonlyMap<string, number>;
export const speedName = (app: string, executionClass: string): string =>
  `${app} ${executionClass}`;
/** Of a node that was not measured. */
export const noSpeeds: Speeds = new Map();

/** Whether a node is known to be fast enough; anybody is where nothing is asked. */
export const isFastEnough = (
  { speeds }: { readonly speeds?: Speeds },
  { app, minSpeed }: { readonly app: string; readonly minSpeed?: number | undefined },
  executionClass: string,
): boolean =>
  minSpeed === undefined || (speeds?.get(speedName(app, executionClass)) ?? -1) >= minSpeed;
