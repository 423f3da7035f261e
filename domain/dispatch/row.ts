/** A row of an index: seats by the group that they belong to. Entering and leaving cost the same however long it is. */

export interface Row<Seat> {
  /** Those that have a member, in no order. */
  readonly groups: Group<Seat>[];
  readonly byName: Map<string, Group<Seat>>;
}

export interface Group<Seat> {
  readonly name: string;
  /** Where it stands in its row. */
  place: number;
  readonly members: Member<Seat>[];
}

export interface Member<Seat> {
  readonly seat: Seat;
  /** Where it stands in its group. */
  place: number;
}

export const createRow = <Seat>(): Row<Seat> => ({ groups: [], byName: new Map() });

export const groupCount = (row: Row<unknown> | undefined): number => row?.groups.length ?? 0;

/** Answers how it leaves again; nobody may call that twice. */
export const placeIn = <Seat>(
  row: Row<Seat> | undefined,
  name: string,
  seat: Seat,
): (() => void) => {
  if (!row) throw new RangeError("there is no such row");
  let group = row.byName.get(name);
  if (!group) {
    group = { name, place: row.groups.length, members: [] };
    row.byName.set(name, group);
    row.groups.push(group);
  }
  const member: Member<Seat> = { seat, place: group.members.length };
  group.members.push(member);
  const from = group;
  return () => {
    takeOut(from.members, member);
    if (from.members.length > 0) return;
    row.byName.delete(name);
    takeOut(row.groups, from);
  };
};

/** The last one takes its place. */
const takeOut = <Item extends { place: number }>(items: Item[], item: Item): void => {
  const last = items.pop();
  if (!last || last === item) return;
  items[item.place] = last;
  last.place = item.place;
};
