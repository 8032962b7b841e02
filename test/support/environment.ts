/** The environment of this process, changed for a while. */

/** Runs with these variables of AWS and no others. One at a time: the environment is the whole process's. */
export async function withEnvironment<Result>(variables: Readonly<Record<string, string>>, run: () => Promise<Result>): Promise<Result> {
  const before = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'));
  for (const [name] of before) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) if (value !== '') process.env[name] = value;
  try {
    return await run();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    for (const [name, value] of before) process.env[name] = value;
  }
}
