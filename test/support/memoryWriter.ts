/**
 * A process that writes to a score memory until it is done or killed: `memoryWriter.js FILE WORKER NAME BATCHES`.
 * The number of a batch is printed once the memory has answered, and what the memory told as a line of its own.
 */
import { batch } from './memoryBatches.ts';
import { testMemory } from './memories.ts';

async function main([path = '', worker = '', name = '', batches = '0']: readonly string[]): Promise<void> {
  const memory = testMemory(path, worker);
  for (let i = 0; i < Number(batches); i++) {
    await memory.record(batch(name, i), i);
    process.stdout.write(memory.notices.length === 0 ? `${i}\n` : `notice: ${memory.notices.join(' ')}\n`);
  }
  await memory.close();
}

void main(process.argv.slice(2));
