/** How the agent and the service cut what a step printed (agent's pluginutil.StringPrefix and TruncateOutput; the model's limits). */

const suffix = '--output truncated--';
const stdoutBytes = 24_000;
const stderrCharacters = 8_000;
const detailsCharacters = 2_500;
const errorTitle = '\n----------ERROR-------\n';
const outputCut = '\n---Output truncated---';
const errorCut = '\n---Error truncated----';

/** What the agent sends of one stream: all that is below the limit, otherwise its first bytes and a suffix, both within the limit. */
export function cutByAgent(bytes: Buffer, limitBytes = stdoutBytes): Buffer {
  if (bytes.length < limitBytes) return bytes;
  return Buffer.concat([bytes.subarray(0, limitBytes - suffix.length), Buffer.from(suffix)]);
}

/** StandardOutputContent of what the agent sent. */
export function stdoutContent(sent: Buffer): string {
  return sent.toString('utf8');
}

/** StandardErrorContent of what the agent sent: the service keeps 8,000 characters. */
export function stderrContent(sent: Buffer): string {
  return sent.toString('utf8').slice(0, stderrCharacters);
}

/** Output of a plugin in the details of ListCommandInvocations: both streams in 2,500 characters. */
export function detailsOutput(stdout: Buffer, stderr: Buffer): string {
  const output = stdout.toString('utf8');
  const error = stderr.toString('utf8');
  const title = error === '' ? '' : errorTitle;
  if (output.length + title.length + error.length <= detailsCharacters) return `${output}${title}${error}`;
  const room = detailsCharacters - title.length - outputCut.length - errorCut.length;
  const errorRoom = Math.min(error.length, Math.max(Math.floor(room / 2), room - output.length));
  const outputRoom = room - errorRoom;
  const cutOutput = output.length > outputRoom ? `${output.slice(0, outputRoom)}${outputCut}` : output;
  const cutError = error.length > errorRoom ? `${error.slice(0, errorRoom)}${errorCut}` : error;
  return `${cutOutput}${title}${cutError}`;
}
