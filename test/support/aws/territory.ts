/** What one account has in one Region. */
import type { SentCommand } from './command-view.ts';
import type { Content } from './document-content.ts';
import type { ManagedNode } from './managed-node.ts';
import type { Workers } from './workers.ts';

/** One version of a document. */
export interface Version {
  readonly number: number;
  readonly text: string;
  readonly format: 'JSON' | 'YAML';
  readonly content: Content;
  readonly sha256: string;
  readonly createdAt: Date;
  readonly name?: string;
  readonly displayName?: string;
  readonly targetType?: string;
}

/** A document: its versions in order, and which of them is used where none is named. */
export interface StoredDocument {
  readonly name: string;
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
  versions: readonly Version[];
  defaultNumber: number;
}

/** Documents, nodes and commands of an account in a Region. */
export interface Territory {
  readonly account: string;
  readonly region: string;
  readonly documents: Map<string, StoredDocument>;
  readonly nodes: Map<string, ManagedNode>;
  readonly commands: Map<string, SentCommand>;
  readonly workers: Workers;
}
