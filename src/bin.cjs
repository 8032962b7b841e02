#!/usr/bin/env node
// Plain old JavaScript, so that any Node.js can read it and say what is wrong.
'use strict';
var version = process.versions.node.split('.').map(Number);
if (version[0] < 22 || (version[0] === 22 && version[1] < 18)) {
  process.stderr.write(
    'portmatrix needs Node.js 22.18 or newer, and this is ' +
      process.version +
      ': install a newer one from your package manager or from nodejs.org.\n',
  );
  process.exitCode = 2;
} else {
  // Node.js does not strip types inside node_modules: an installed package brings the emitted JavaScript.
  var installed = __dirname.split(/[\\/]/).indexOf('node_modules') !== -1;
  import(installed ? '../dist/src/cli.js' : './cli.ts')
    .then(function (cli) {
      return cli.main(process.argv.slice(2));
    })
    .catch(function (error) {
      process.stderr.write('portmatrix: this installation is broken:\n' + error.stack + '\n');
      process.exitCode = 70;
    });
}
