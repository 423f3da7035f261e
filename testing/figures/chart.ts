/** Draws figures as dots over a logarithmic and bars over a linear scale: an SVG without a library. */

export interface Series {
  readonly name: string;
  readonly colour: string;
  /** One value for each category. */
  readonly values: readonly number[];
}

export interface Panel {
  readonly title: string;
  readonly scale: "logarithmic" | "linear";
  /** The ends of the scale; a logarithmic one shows what is below as 0. */
  readonly least: number;
  readonly most: number;
  readonly series: readonly Series[];
}

const width = 960;
const left = 70;
const right = 20;
const panelHeight = 230;
const panelGap = 62;
const head = 66;
const foot = 64;

/**
 * Panels one below the other over the same categories. Lines of a category's name are split at `|`.
 *
 * @returns A whole SVG document, readable on light and dark pages.
 */
export const chart = (
  title: string,
  categories: readonly string[],
  panels: readonly Panel[],
): string => {
  const height = head + panels.length * (panelHeight + panelGap) + foot - panelGap;
  const [first] = panels;
  const body = [
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text({ x: left, y: 24, says: title, size: 16, weight: 600 }),
    ...(first === undefined ? [] : legend(first.series)),
    ...panels.flatMap((panel, index) =>
      drawPanel(panel, categories.length, head + index * (panelHeight + panelGap)),
    ),
    ...categories.flatMap((name, index) =>
      name.split("|").map((line, row) =>
        text({
          x: centre(index, categories.length),
          y: height - foot + 20 + row * 15,
          says: line,
          anchor: "middle",
        }),
      ),
    ),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif">`,
    `<title>${escaped(title)}</title>`,
    ...body,
    "</svg>\n",
  ].join("\n");
};

const centre = (index: number, count: number): number =>
  left + ((width - left - right) * (index + 0.5)) / count;

const legend = (series: readonly Series[]): readonly string[] =>
  series.flatMap(({ name, colour }, index) => {
    const x = left + index * 140;
    return [
      `<circle cx="${x + 6}" cy="42" r="6" fill="${colour}"/>`,
      text({ x: x + 18, y: 46, says: name }),
    ];
  });

const drawPanel = (panel: Panel, count: number, top: number): readonly string[] => {
  const bottom = top + panelHeight;
  const y = heightIn(panel, top + 24, bottom - (panel.scale === "logarithmic" ? 18 : 0));
  const lines = ticks(panel).flatMap(({ value, name }) => [
    `<line x1="${left}" x2="${width - right}" y1="${round(y(value))}" y2="${round(y(value))}" stroke="#ddd"/>`,
    text({ x: left - 8, y: y(value) + 4, says: name, anchor: "end" }),
  ]);
  const marks = panel.series.flatMap(({ name, colour, values }, place) =>
    values.map((value, index) => {
      const x = centre(index, count) + (place - (panel.series.length - 1) / 2) * 12;
      const label = `<title>${escaped(name)}: ${Number(value.toPrecision(3))}</title>`;
      return panel.scale === "logarithmic"
        ? `<circle cx="${round(x)}" cy="${round(y(value))}" r="5" fill="${colour}">${label}</circle>`
        : `<rect x="${round(x - 5)}" y="${round(y(value))}" width="10" height="${round(bottom - y(value))}" fill="${colour}">${label}</rect>`;
    }),
  );
  return [text({ x: left, y: top + 10, says: panel.title, weight: 600 }), ...lines, ...marks];
};

/** Where a value stands; 0 of a logarithmic scale stands below its least one. */
const heightIn =
  ({ scale, least, most }: Panel, top: number, bottom: number) =>
  (value: number): number => {
    if (scale === "linear") {
      const part = (Math.min(Math.max(value, least), most) - least) / (most - least);
      return bottom - part * (bottom - top);
    }
    if (value < least) return bottom + 14;
    const part = Math.log10(Math.min(value, most) / least) / Math.log10(most / least);
    return bottom - part * (bottom - top);
  };

const ticks = ({ scale, least, most }: Panel) => {
  if (scale === "linear")
    return Array.from({ length: Math.round((most - least) / 0.5) + 1 }, (_, index) => {
      const value = least + index * 0.5;
      return { value, name: value.toFixed(1) };
    });
  const decades = Math.round(Math.log10(most / least));
  const powers = Array.from({ length: decades + 1 }, (_, index) => {
    const exponent = Math.round(Math.log10(least)) + index;
    return { value: 10 ** exponent, name: exponent === 0 ? "1" : `1e${exponent}` };
  });
  return [{ value: 0, name: "0" }, ...powers];
};

const text = ({
  x,
  y,
  says,
  size = 12,
  anchor = "start",
  weight = 400,
}: {
  readonly x: number;
  readonly y: number;
  readonly says: string;
  readonly size?: number;
  readonly anchor?: "start" | "middle" | "end";
  readonly weight?: number;
}): string =>
  `<text x="${round(x)}" y="${round(y)}" font-size="${size}" text-anchor="${anchor}" font-weight="${weight}" fill="#222">${escaped(says)}</text>`;

const round = (value: number): number => Math.round(value * 10) / 10;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
