/** A progress bar on standard error; where that is no terminal, a line every quarter. */

const width = 30;

export interface ProgressBar {
  step(): void;
  end(): void;
}

export const progressBar = (
  title: string,
  total: number,
  stream: NodeJS.WriteStream = process.stderr,
): ProgressBar => {
  let done = 0;
  let quarter = 0;
  const text = () => {
    const filled = Math.round((width * done) / Math.max(1, total));
    return `${title}  ${"█".repeat(filled)}${"░".repeat(width - filled)}  ${done}/${total}`;
  };
  const draw = () => {
    if (stream.isTTY) stream.write(`\r\u001b[K${text()}`);
    else if (Math.floor((4 * done) / Math.max(1, total)) > quarter) {
      quarter = Math.floor((4 * done) / Math.max(1, total));
      stream.write(`${title}  ${done}/${total}\n`);
    }
  };
  draw();
  return {
    step: () => {
      done += 1;
      draw();
    },
    end: () => {
      if (stream.isTTY) stream.write("\n");
    },
  };
};
