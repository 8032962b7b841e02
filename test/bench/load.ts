import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { withNamespacePair } from './namespace-pair.ts';
import type { Row } from './row.ts';
import { Scene } from './scene.ts';

const sources = 8;
const limit = 32;
const [firstPort, ports] = [10_000, 24];

/** Accepts, never answers, counts: prints the most connections that were open after any turn of its event loop, whenever that grows. */
const counter = `const net=require("net");let open=0,most=0,ready=0;
  const note=()=>{if(open>most)console.log(most=open)};
  for(let i=0;i<${ports};i++)net.createServer((socket)=>{open++;setImmediate(note);
    socket.on("error",()=>{}).on("end",()=>open--).resume()}).listen(${firstPort}+i,"0.0.0.0",()=>{if(++ready===${ports})console.log("ready")});`;

/** Row 9: eight sources at once ask a destination that accepts and stays silent; SMB is asked, which dials a second time while the first waits. */
export function load(): Promise<readonly Row[]> {
  return withNamespacePair(async (pair) => {
    const [command, ...words] = [...pair.onDestination, process.execPath, '-e', counter];
    const destination = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let said = '';
      destination.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      while (!said.includes('ready')) await once(destination.stdout, 'data');
      const asking = Array.from({ length: sources }, (_, index) => ({
        name: `source${index}`,
        address: `10.98.1.${index + 1}`,
        roles: ['client'],
        node: process.execPath,
        connector: { exec: pair.onSource },
      }));
      const hosts = [...asking, { name: 'target', address: pair.destination, roles: ['dc'] }];
      const scene = new Scene({ hosts }, { ports: Array.from({ length: ports }, (_, index) => `${firstPort + index}`), probe: 'smb' });
      await scene.run(['--timeout-ms', '1000']);
      scene.remove();
      const counts = said.split('\n').map(Number).filter(Number.isInteger);
      return [{ what: `9. sockets at a destination that ${sources} sources ask`, unit: 'sockets', budget: limit, measured: Math.max(...counts) }];
    } finally {
      destination.kill();
    }
  });
}
