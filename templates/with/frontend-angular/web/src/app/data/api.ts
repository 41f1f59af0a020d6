import { HttpClient, HttpErrorResponse } from '@angular/common/http';
import { inject, Injectable } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { Session } from './session';

export type Role = 'member' | 'admin' | 'owner';
export type Team = { id: string; name: string; role: Role };
export type Me = { id: string; email: string | null; name: string; teams: Team[] };
export type Project = { id: string; name: string; note: string; createdBy: string; createdAt: string; updatedAt: string };
export type Page<T> = { data: T[]; cursor: string | null; hasMore: boolean };

/** An error as the API words it, or what stands in its place where the API could not be asked. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly requestId = '',
  ) {
    super(message);
  }

  static of(e: unknown): Failure {
    if (e instanceof Failure) return e;
    if (!(e instanceof HttpErrorResponse)) return new Failure(0, 'Something went wrong in this page');
    if (e.status === 0) return new Failure(0, 'The server cannot be reached');
    const said = e.error as { error?: unknown; requestId?: unknown } | null;
    const text = typeof said?.error === 'string' ? said.error : `The server answered ${e.status}`;
    return new Failure(e.status, text, typeof said?.requestId === 'string' ? said.requestId : '');
  }
}

/** The Worker's API, as whoever is signed in. */
@Injectable({ providedIn: 'root' })
export class Api {
  readonly #http = inject(HttpClient);
  readonly #session = inject(Session);

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
      const token = await this.#session.token();
      const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
      return await firstValueFrom(this.#http.request<T>(method, `/api/v1${path}`, { body, headers }));
    } catch (e) {
      const failure = Failure.of(e);
      if (failure.status === 401) await this.#session.end();
      throw failure;
    }
  }

  async #data<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await this.#ask<{ data: T }>(method, path, body)).data;
  }

  me = () => this.#data<Me>('GET', '/me');
  createTeam = (name: string) => this.#data<Team>('POST', '/teams', { name });
  acceptInvite = (token: string) => this.#data<Team>('POST', '/invites/accept', { token });
  team = (team: string) => this.#data<Team>('GET', `/teams/${team}`);
  invite = (team: string, email: string) => this.#data<{ link?: string }>('POST', `/teams/${team}/invites`, { email });
  projects = (team: string, cursor?: string | null) =>
    this.#ask<Page<Project>>('GET', `/teams/${team}/projects${cursor ? `?cursor=${cursor}` : ''}`);
  createProject = (team: string, name: string) => this.#data<Project>('POST', `/teams/${team}/projects`, { name });
  deleteProject = (team: string, id: string) => this.#ask<null>('DELETE', `/teams/${team}/projects/${id}`);
  liveTicket = async (team: string) => (await this.#data<{ ticket: string }>('POST', `/teams/${team}/live/ticket`)).ticket;
}
