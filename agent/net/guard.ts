/** A dial that asks for leave first: the one place where what an agent may not reach is kept from it, whatever its job, a resolver or a server says. */
import { notAllowed } from './classify.ts';
import type { Listener, Target, Wire } from './dial.ts';

/** Dials a target, as `dial` does. */
export type Dial = (target: Target, listener: Listener) => Wire;

/** Dials only what `allows` says; anything else fails before a socket is made, with `message` as the reason. */
export function guarded(dial: Dial, allows: (target: Target) => boolean, message: (target: Target) => string): Dial {
  return (target, listener) => {
    if (allows(target)) return dial(target, listener);
    let done = false;
    queueMicrotask(() => {
      if (!done) listener.failed(Object.assign(new Error(message(target)), { code: notAllowed }), 'before-send');
    });
    const nothing = (): undefined => undefined;
    return { send: nothing, secure: nothing, close: () => void (done = true), local: nothing };
  };
}
