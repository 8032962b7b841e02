/** What every reporter is: a pure function from a report to text, in chunks. */
import type { ReportFrame, Result } from '../report.ts';

/** A report whose results may stream: a reporter goes through them once. */
export type StreamedReport = ReportFrame & { readonly results: Iterable<Result> };

/** How a report for people is to look. Formats for machines take no notice. */
export interface Presentation {
  /** Colour codes in the text. Default false. */
  readonly colour?: boolean;
  /** Nothing but ASCII, for terminals that do not speak UTF-8. Default false. */
  readonly ascii?: boolean;
  /** Columns of the terminal. Default 120. */
  readonly width?: number;
}

/** Renders a report; the chunks joined are the whole text, which ends in a newline. */
export type Reporter = (report: StreamedReport, presentation?: Presentation) => Generator<string, void>;
