// Raises or razes the lab by hand: npm run lab -- raise | raze | purge
import { raiseForest, razeForest } from './forest.ts';
import { installLabPackages } from './packages.ts';

const word = process.argv[2] ?? '';
const started = performance.now();
const { installed, reason } = installLabPackages();
if (!installed) {
  console.error(`the lab cannot be raised: ${reason}`);
  process.exitCode = 1;
} else if (word === 'raise') {
  const { hosts } = await raiseForest();
  for (const { name, netns, address, address6 } of Object.values(hosts)) console.log(`${name}\t${netns}\t${address}\t${address6}`);
} else if (word === 'raze' || word === 'purge') {
  await razeForest({ purge: word === 'purge' });
} else {
  console.error('usage: npm run lab -- raise | raze | purge');
  process.exitCode = 2;
}
console.error(`${Math.round(performance.now() - started)} ms`);
