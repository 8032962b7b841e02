/** An error that an AWS service answers with. */
export class Refusal extends Error {
  /** The name that the SDK gives to the error. */
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = type === 'InternalServerError' ? 500 : 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}
