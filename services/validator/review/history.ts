/** A value that changes along the log, to be asked for as it was at any position. */
export interface History<Value> {
  /** It is this from there on. Positions never fall. */
  set(position: number, value: Value): void;
  /** With the change at that position, if there was one. */
  at(position: number): Value;
}

export const createHistory = <Value>(initial: Value): History<Value> => {
  const positions: number[] = [];
  const values: Value[] = [];
  return {
    set: (position, value) => {
      positions.push(position);
      values.push(value);
    },
    at: (position) => {
      let [low, high] = [0, positions.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((positions[middle] as number) <= position) low = middle + 1;
        else high = middle;
      }
      return low === 0 ? initial : (values[low - 1] as Value);
    },
  };
};
