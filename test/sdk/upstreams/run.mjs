// What an upstream and the test that started it say to each other: the upstream prints its
// address, reads the name of what to get wrong next from each line of its input, repeats
// it, and ends with its input.
import { createInterface } from 'node:readline';

export function talk(address, onLine) {
  console.log(address);
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      onLine(line);
      console.log(line);
    })
    .on('close', () => process.exit(0));
}
