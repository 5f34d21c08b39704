// How answers are made again: the command and the Python that each record holds, put together where
// several answers differ in their method alone.

export interface Recipe {
  command: string;
  python: string;
  method: string; // "": of no method
}

export const commandOf = (recipes: readonly Recipe[]): string => {
  const asked = recipes.map(({ command }) => command.replace(/ --method \S+/, ""));
  if (!alike(recipes, asked)) return recipes.map(({ command }) => command).join("\n");
  return `${asked[0] ?? ""} --method ${recipes.map(({ method }) => method).join(",")}`;
};

export const pythonOf = (recipes: readonly Recipe[]): string => {
  const asked = recipes.map(({ python }) => python.trimEnd().replace(/, method="[^"]*"/, ""));
  const end = ").save()";
  const first = asked[0] ?? "";
  if (!alike(recipes, asked) || !first.endsWith(end)) return joined(recipes.map(({ python }) => python));
  const methods = recipes.map(({ method }) => JSON.stringify(method)).join(", ");
  return `${first.slice(0, -end.length)}, method=[${methods}]${end}`;
};

function alike(recipes: readonly Recipe[], asked: readonly string[]): boolean {
  const named = recipes.every(({ method }) => method !== "");
  return recipes.length > 1 && named && asked.every((each) => each === asked[0]);
}

// Lines that open each of several programs are needed once.
function joined(programs: readonly string[]): string {
  const lines: string[] = [];
  for (const program of programs)
    for (const line of program.trimEnd().split("\n")) {
      const opens = line === "" || /^(import |from |model = )/.test(line);
      if (!opens || !lines.includes(line)) lines.push(line);
    }
  return lines.join("\n");
}
